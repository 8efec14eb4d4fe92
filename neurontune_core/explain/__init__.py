"""What a neuron looks at."""
