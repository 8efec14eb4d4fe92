"""The trees of tensors in a checkpoint: which one is the network, which are copies of it, and what its names mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from neurontune_core.errors import InputError, listing
from neurontune_core.limits import MAX_TENSORS

_MAX_DEPTH = 8  # mappings inside mappings
_USUAL = ("state_dict", "model", "model_state_dict", "state_dict_ema")  # where training scripts put the weights
_NO_NETWORK = re.compile(r"optim|sched|scaler|momentum|queue|(^|\.)opt(\.|$)", re.IGNORECASE)
AVERAGED = re.compile(r"ema|averaged?|shadow|teacher|swa", re.IGNORECASE)
_WRAPPED = re.compile(
    r"^_fsdp_wrapped_module\.|(?<=\.)(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module|_forward_module)\."
)  # at the beginning of all names, others are a prefix as any
_COPY = 0.5  # of the weights of the chosen tree that another must have to be worth a word


class Tree(NamedTuple):
    """Tensors by name, and the keys in the checkpoint that lead to them."""

    path: str
    state: dict[str, torch.Tensor]

    @property
    def size(self) -> int:
        return sum(tensor.numel() for tensor in self.state.values())


def find_trees(content: Any) -> list[Tree]:
    """List the mappings of names to tensors in a checkpoint's content, at any depth, in their order.

    >>> [tree.path for tree in find_trees({"net": {"fc.weight": torch.zeros(2, 3)}, "epoch": 3})]
    ['net']
    """
    trees: list[Tree] = []
    seen: set[int] = set()
    waiting: list[tuple[str, Any, int]] = [("", content, 0)]
    while waiting:
        path, value, depth = waiting.pop(0)
        if not isinstance(value, Mapping) or id(value) in seen or depth > _MAX_DEPTH:
            continue
        seen.add(id(value))
        own = {name: item for name, item in value.items() if isinstance(name, str) and isinstance(item, torch.Tensor)}
        if own:
            trees.append(Tree(path, own))
        inside = [(f"{path}.{key}" if path else str(key), item) for key, item in value.items()]
        waiting += [(key, item, depth + 1) for key, item in inside if isinstance(item, Mapping)]
    return trees


def choose_tree(content: Any, path: Path, key: str = "") -> tuple[Tree, tuple[str, ...]]:
    """Choose the tree that is the network: the one named by ``key``, else the largest.

    Of equals, one that is no average of the others is taken.

    Args:
        content: of the checkpoint.
        path: of the file, for messages.
        key: the keys that lead to the tree, or the beginning of its names, as a person gives them.

    Returns:
        The tree, and the paths of others of about its size.

    Raises:
        InputError: when there is no tree, too many tensors, or none under ``key``.
    """
    trees = [tree for tree in find_trees(content) if not _NO_NETWORK.search(tree.path)]
    if not trees:
        what = f"a {type(content).__name__}" if not isinstance(content, Mapping) else "no tensors by name"
        has = f" (it has {listing([repr(name) for name in content][:6], 6)})" if isinstance(content, Mapping) else ""
        raise InputError(f"The checkpoint {path} holds {what}{has}; save the network's state_dict().")
    if max(len(tree.state) for tree in trees) > MAX_TENSORS:
        raise InputError(f"The checkpoint {path} holds over {MAX_TENSORS:,} tensors, more than are read.")
    largest = max(tree.size for tree in trees)

    def order(tree: Tree) -> tuple[bool, bool, int]:
        last = tree.path.rpartition(".")[2]
        return (
            tree.size < 0.99 * largest,
            bool(AVERAGED.search(tree.path)),
            _USUAL.index(last) if last in _USUAL else len(_USUAL),
        )

    chosen = _named(trees, key.strip("."), path) if key else min(trees, key=order)
    others = [tree.path for tree in trees if tree.path != chosen.path and tree.size >= _COPY * chosen.size]
    return chosen, tuple(filter(None, others))


def _named(trees: Sequence[Tree], key: str, path: Path) -> Tree:
    for tree in trees:
        if tree.path == key:
            return tree
    for tree in sorted(trees, key=lambda tree: -tree.size):
        own = key.removeprefix(f"{tree.path}.") if tree.path else key
        inside = {
            name.removeprefix(f"{own}."): value for name, value in tree.state.items() if name.startswith(f"{own}.")
        }
        if inside:
            return Tree(f"{tree.path}.{own}" if tree.path else own, inside)
    firsts = [f"{name.split('.')[0]}." for tree in trees for name in tree.state]
    there = dict.fromkeys([*(tree.path for tree in trees if tree.path), *firsts])
    raise InputError(f'The checkpoint {path} has no weights under "{key}"; it has {listing(list(there), 8)}.')


def plain_state(state: Mapping[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], tuple[str, ...]]:
    """Return the tensors under the names and values that the bare network has, and remarks on what was done.

    Wrappers of FSDP and ``torch.compile`` inside names are left out, and pruned weights are multiplied by their masks.

    >>> plain, remarks = plain_state({"fc.weight_orig": torch.ones(1, 2), "fc.weight_mask": torch.tensor([[0.0, 1.0]])})
    >>> plain["fc.weight"].tolist(), len(remarks)
    ([[0.0, 1.0]], 1)
    """
    plain, remarks = {_WRAPPED.sub("", name): tensor for name, tensor in state.items()}, []
    if set(plain) != set(state):
        remarks.append("The names of wrappers (FSDP, torch.compile) were taken out of the names of the weights.")
    pruned = [name.removesuffix("_orig") for name in plain if name.endswith("_orig")]
    pruned = [name for name in pruned if f"{name}_mask" in plain]
    for name in pruned:
        mask = plain.pop(f"{name}_mask")
        plain[name] = plain.pop(f"{name}_orig") * mask
    if pruned:
        remarks.append(f"{len(pruned)} pruned weights were multiplied by their masks.")
    return plain, tuple(remarks)


def copies_of(names: Iterable[str], state: Mapping[str, torch.Tensor], prefix: str) -> tuple[str, ...]:
    """Return the other beginnings of names under which a checkpoint has all of ``names``, as a teacher or an average.

    >>> state = {"student.fc.weight": torch.zeros(1), "teacher.fc.weight": torch.ones(1)}
    >>> copies_of(["fc.weight"], state, "student.")
    ('teacher.',)
    """
    names = list(names)
    if not names:
        return ()
    rare = max(names, key=len)
    starts = [name[: -len(rare)] for name in state if name.endswith(rare)]
    starts = [start for start in starts if start != prefix and (not start or start.endswith("."))]
    others = [start for start in starts if start and all(f"{start}{name}" in state for name in names)]
    return tuple(start for start in others if not _equal(state, names, prefix, start))


def _equal(state: Mapping[str, torch.Tensor], names: Iterable[str], one: str, other: str) -> bool:
    """Return whether two copies hold the same numbers, as an alias of a module does."""
    pairs = ((state[f"{one}{name}"], state[f"{other}{name}"]) for name in names if f"{one}{name}" in state)
    return all(first.shape == second.shape and torch.equal(first, second) for first, second in pairs)
