"""Real texts to learn from: what WordNet says of nouns, and in which of its classes they are.

    apt install wordnet-base
    python examples/wordnet_text.py /usr/share/wordnet          # writes glosses.csv
    nightsweep run --trainable text --data glosses.csv --target label

8 000 rows, `text,label`: of each of the ten largest classes (person, plant, artifact, ...) 800,
drawn with a seed. --rows 0 takes all 82 115 glosses, in 26 classes.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

FIRST = 3  # lexnames(5WN): the number of the first class of nouns
CLASSES = [
    "Tops", "act", "animal", "artifact", "attribute", "body", "cognition", "communication",
    "event", "feeling", "food", "group", "location", "motive", "object", "person", "phenomenon",
    "plant", "possession", "process", "quantity", "relation", "shape", "state", "substance",
    "time",
]  # fmt: skip


def glosses(file: Path) -> Iterator[tuple[str, str]]:
    """Each gloss and its class; of the format of wndb(5WN)."""
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.startswith("  "):  # the licence
            head, gloss = line.split(" | ", 1)
            yield gloss.strip(), CLASSES[int(head.split()[1]) - FIRST]


def drawn(found: list[tuple[str, str]], rows: int) -> list[tuple[str, str]]:
    """`rows` of each of the ten largest classes, or all that it has, mixed."""
    generator = random.Random(0)
    texts = defaultdict(list)
    for text, label in found:
        texts[label].append(text)
    largest = sorted(label for label, _ in Counter(label for _, label in found).most_common(10))
    chosen = [
        (text, label)
        for label in largest
        for text in generator.sample(texts[label], min(rows, len(texts[label])))
    ]
    generator.shuffle(chosen)
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes WordNet's glosses of nouns as a table.")
    parser.add_argument("folder", type=Path, help="where data.noun lies, as /usr/share/wordnet")
    parser.add_argument("--rows", type=int, default=800, help="of each class; 0: all there are")
    parser.add_argument("--out", type=Path, default=Path("glosses.csv"))
    given = parser.parse_args()
    nouns = given.folder / "data.noun"
    if not nouns.is_file():
        parser.error(f"{nouns} is not there; name the folder of WordNet's files")
    if given.rows < 0:
        parser.error(f"--rows {given.rows}: a number of at least 0")
    found = list(glosses(nouns))
    chosen = drawn(found, given.rows) if given.rows else found
    with given.out.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([("text", "label"), *chosen])
    print(f"{given.out}: {len(chosen)} rows")


if __name__ == "__main__":
    main()
