"""The models whose logits oracles were asked for, and the files that keep the answers."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType

from models import fetch
from models.small import SMALL
from tests.oracles.distributions import Distributions

Q = GGMLQuantizationType

FOLDER = Path(__file__).with_name("logits")
FIELDS = ("likeliest", "logs", "surprise")

PUBLISHED: Mapping[str, Callable[[], Path]] = {"smollm2": fetch.smollm2, "gemma": fetch.gemma}
GENERATED = (
    *((name, Q.F32) for name in SMALL),
    *((name, Q.Q8_0) for name in ("llama", "gemma3")),
    *((name, Q.Q4_K) for name in ("qwen2", "qwen3")),
)


def published_models() -> dict[str, Callable[[Path], Path]]:
    """What gives the path of each published model."""
    return {name: lambda _folder, path=path: path() for name, path in PUBLISHED.items()}


def generated_models() -> dict[str, Callable[[Path], Path]]:
    """What writes each generated model into a folder and gives its path."""
    return {f"{name}.{type_.name}": partial(_generate, name, type_) for name, type_ in GENERATED}


def _generate(name: str, quant_type: GGMLQuantizationType, folder: Path) -> Path:
    return SMALL[name].write(folder / f"{name}.{quant_type.name}.gguf", quant_type)


@dataclass(frozen=True)
class Fixture:
    """Tokens of a text, and what each oracle says follows them."""

    digest: str
    """Of the model's file: another model needs another fixture."""
    tokens: list[int]
    oracles: dict[str, Distributions]

    @classmethod
    def load(cls, name: str) -> "Fixture":
        """Read what was saved for the model of that name."""
        with np.load(FOLDER / f"{name}.npz") as arrays:
            oracles = {
                oracle: Distributions(*(arrays[f"{oracle}.{field}"] for field in FIELDS))
                for oracle in arrays["oracles"].tolist()
            }
            return cls(arrays["digest"].item(), arrays["tokens"].tolist(), oracles)

    def save(self, name: str) -> None:
        """Write the file for the model of that name."""
        FOLDER.mkdir(exist_ok=True)
        parts = {
            f"{oracle}.{field}": getattr(distributions, field)
            for oracle, distributions in self.oracles.items()
            for field in FIELDS
        }
        np.savez_compressed(
            FOLDER / f"{name}.npz",
            digest=np.array(self.digest),
            tokens=np.array(self.tokens, np.uint32),
            oracles=np.array(list(self.oracles)),
            **parts,
        )


def digest(path: Path) -> str:
    """SHA-256 of the file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
