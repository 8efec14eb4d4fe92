"""What a trained model's own file says of it, beside what is asked for."""

from __future__ import annotations

from pathlib import Path

from neurontune_core.models.saved import resolved, write_model_file


def test_a_trained_models_file_knows_its_network_better_than_what_is_asked_for(tmp_path: Path) -> None:
    own = {"family": "torchvision", "architecture": "resnet18", "weights": "model.safetensors", "num_classes": 3}
    write_model_file(tmp_path / "model", own)
    asked = {"weights": "model", "family": "timm", "num_classes": 5, "use_last_linear": True}
    result = resolved(asked, tmp_path)
    weights = str(tmp_path / "model" / "model.safetensors")
    assert result == own | {"weights": weights, "use_last_linear": True}
    assert resolved({"weights": "model/model.json"}, tmp_path) == own | {"weights": weights}
    assert asked["family"] == "timm"  # what was asked for is not changed


def test_other_weights_are_as_they_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "model.json").write_text('{"format": "of another program"}')
    for asked in ({"weights": "random", "family": "timm"}, {"weights": "folder"}, {"family": "minilm"}):
        assert resolved(asked, tmp_path) == asked
