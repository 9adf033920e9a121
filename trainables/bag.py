"""An embedding bag: the weighted sum of what a text's features mean, and a linear layer on it.

After fastText (Joulin et al. 2016); the features are those of words/features.py.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

SMALL = 0.01  # spread of the embeddings at first: what is rare stays near to saying nothing


class Bag(nn.Module):
    """Scores (B, outputs) of features (B, L), filled up with zeros, and their weights (B, L).

    `dropout`: of the sum's numbers; `word_dropout`: of whole features (Iyyer et al. 2015, "Deep
    unordered composition rivals syntactic methods for text classification").
    """

    def __init__(
        self, features: int, outputs: int, *, width: int, dropout: float, word_dropout: float
    ) -> None:
        super().__init__()
        self.embedding = nn.EmbeddingBag(features + 1, width, mode="sum", padding_idx=0)
        nn.init.normal_(self.embedding.weight, std=SMALL)
        self.forget = nn.Dropout(word_dropout)
        self.dropout = nn.Dropout(dropout)
        self.scores = nn.Linear(width, outputs)

    def forward(self, ids: Tensor, weights: Tensor) -> Tensor:
        summed = F.embedding_bag(
            ids,
            self.embedding.weight,
            mode="sum",
            per_sample_weights=self.forget(weights),
            padding_idx=0,
        )
        scores: Tensor = self.scores(self.dropout(summed))
        return scores
