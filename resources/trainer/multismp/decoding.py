"""Reading a model's answers: the exact distribution over a data set's valid answers, and free greedy decoding.

Every canonical answer of the range, closed by its end token, gets its own probability from the model. Nine tenths of
that work would be the end tokens of 1,500 answers, which a tuned model is certain of after the second decimal: the end
token is read after the likeliest of the answers that share all but their last token, and where it is certain to
0.1 % for each of these groups, a group's other answers take it over. Otherwise every answer's own is computed.

Answers form a trie; all prompts of a batch walk it level by level, each prompt computed once. The nodes of
a level stand side by side in one row, see the prompt and their own ancestors only, and sit at the position that they
would have alone (a tree mask), so that nothing is computed twice and no cache is copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy
import torch

from .config import AnswerRange
from .data import PromptEncoder, format_hundredths

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor
    from transformers import PreTrainedModel

#: Branches with less than this share of their level's mass are left out; what they hold is missing from `mass`.
EXACT_SHARE = 1e-7
#: The same for looks at validation rows while training, which also take the end token as certain.
QUICK_SHARE = 1e-3
#: From this probability on an end token counts as certain.
CERTAIN_END = 0.999
_NODES_PER_ROW = 64  # query tokens of one prompt in one forward pass
_LOGITS_AT_ONCE = 16_000_000  # floats, 64 MB


@dataclass(frozen=True)
class Distribution:
    """The answers' probabilities of one prompt, before renormalising."""

    smallest: int  # hundredths of the first probability
    probabilities: NDArray[numpy.float64]  # [answers of the range]; 0 where a branch was left out

    @property
    def mass(self) -> float:
        """What the valid answers hold together."""
        return float(self.probabilities.sum())

    def quantile(self, level: float) -> int | None:
        """The smallest answer, in hundredths, that at least `level` of the renormalised mass does not exceed.

        At 0.5 this is the lower median, which minimises the expected absolute error. None without any mass.
        """
        total = self.mass
        if total <= 0:
            return None
        cumulative = numpy.cumsum(self.probabilities)
        place = int(numpy.searchsorted(cumulative, (level - 1e-12) * total))
        return self.smallest + min(place, len(cumulative) - 1)

    def entropy(self) -> float:
        """Entropy of the renormalised distribution, nats."""
        if self.mass <= 0:
            return 0.0
        shares = self.probabilities[self.probabilities > 0] / self.mass
        return float(-(shares * numpy.log(shares)).sum())


class AnswerTrie:
    """All canonical answers of a range as one trie of tokens; node 0 is the end of the prompt."""

    def __init__(self, encoder: PromptEncoder, answers: AnswerRange) -> None:
        self.range = answers
        self.size = answers.largest - answers.smallest + 1
        tokens, depths, ancestors = [-1], [0], [[0]]
        children: list[dict[int, int]] = [{}]
        answer_of: dict[int, int] = {}
        for at in range(self.size):
            node = 0
            *inner, self.end_token = encoder.answer(format_hundredths(answers.smallest + at))
            for token in inner:
                child = children[node].get(token)
                if child is None:
                    child = len(tokens)
                    children[node][token] = child
                    tokens.append(token)
                    depths.append(depths[node] + 1)
                    ancestors.append([*ancestors[node], child])
                    children.append({})
                node = child
            answer_of[node] = at
        self.tokens = numpy.array(tokens)
        self.depth = max(depths)
        self.levels = [[node for node, depth in enumerate(depths) if depth == wanted] for wanted in range(self.depth + 1)]
        self.ancestors = ancestors  # of each node, itself last; the root first
        # Edges in one flat list: those of a node lie between its `first_edge` and the next node's.
        self.edge_token = numpy.array([token for edges in children for token in edges])
        self.edge_child = numpy.array([child for edges in children for child in edges.values()])
        self.first_edge = numpy.cumsum([0] + [len(edges) for edges in children])
        self.parent = numpy.array([chain[-2] if len(chain) > 1 else -1 for chain in ancestors])
        self.answer_of = numpy.array([answer_of.get(node, -1) for node in range(len(tokens))])  # closed by an end token
        self.has_children = numpy.array([bool(edges) for edges in children])

    def __len__(self) -> int:
        return len(self.tokens)


class PromptBatch:
    """Prompts run once, left-padded, with everything needed to go on from their ends."""

    def __init__(self, model: PreTrainedModel, encoder: PromptEncoder, prompts: Sequence[Sequence[int]]) -> None:
        self.model = model
        self.encoder = encoder
        device = model.device
        self.length = max(len(prompt) for prompt in prompts)
        ids = torch.zeros(len(prompts), self.length, dtype=torch.long)
        self.mask = torch.zeros(len(prompts), self.length, dtype=torch.long)
        for row, prompt in enumerate(prompts):
            ids[row, self.length - len(prompt) :] = torch.tensor(prompt)
            self.mask[row, self.length - len(prompt) :] = 1
        self.mask = self.mask.to(device)
        self.lengths = self.mask.sum(1)  # [batch]
        output = model(
            input_ids=ids.to(device),
            attention_mask=self.mask,
            position_ids=(self.mask.cumsum(1) - 1).clamp(min=0),
            use_cache=True,
            logits_to_keep=1,
        )
        self.cache: Any = output.past_key_values
        self.first = cast("Tensor", output.logits)[:, -1].float().log_softmax(-1)  # [batch, vocabulary]

    def __len__(self) -> int:
        return len(self.mask)

    def forget_beyond(self, length: int) -> None:
        """Cuts the cache back to its first `length` tokens."""
        surplus = self.cache.get_seq_length() - length
        if surplus > 0:
            self.cache.crop(-surplus)  # a negative number of tokens to take away

    def distributions(self, trie: AnswerTrie, quick: bool = False) -> list[Distribution]:
        """The exact distribution over the trie's answers for each prompt of the batch.

        `quick` leaves out the end token's factor and more of the small branches: good enough to compare states of one
        model.
        """
        walk = _TrieWalk(self, trie, quick)
        probabilities = walk.run()
        self.forget_beyond(self.length)
        return [Distribution(trie.range.smallest, row) for row in probabilities]

    def greedy(self, max_new_tokens: int) -> list[list[int]]:
        """The likeliest next token again and again, no grammar, until an end token or the limit; end tokens left out."""
        ends = {self.encoder.end_token, self.encoder.tokenizer.eos_token_id}
        answers: list[list[int]] = [[] for _ in range(len(self))]
        ended = [False] * len(self)
        mask = self.mask
        token = self.first.argmax(-1)
        for step in range(max_new_tokens):
            for row, chosen in enumerate(token.tolist()):
                ended[row] = ended[row] or chosen in ends
                if not ended[row]:
                    answers[row].append(chosen)
            if all(ended) or step == max_new_tokens - 1:
                break
            mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
            output = self.model(
                input_ids=token[:, None],
                attention_mask=mask,
                position_ids=(self.lengths + step)[:, None],
                past_key_values=self.cache,
                use_cache=True,
            )
            token = cast("Tensor", output.logits)[:, -1].argmax(-1)
        self.forget_beyond(self.length)
        return answers


class _TrieWalk:
    """One walk of a batch down the trie."""

    def __init__(self, batch: PromptBatch, trie: AnswerTrie, quick: bool) -> None:
        self.batch = batch
        self.trie = trie
        self.quick = quick
        self.least_share = QUICK_SHARE if quick else EXACT_SHARE
        self.logp = numpy.full((len(batch), len(trie)), -numpy.inf)  # of the path to each node
        self.logp[:, 0] = 0.0
        self.slot = numpy.zeros((len(batch), len(trie)), dtype=numpy.int64)  # place of a node's key in the cache
        self.answers = numpy.zeros((len(batch), trie.size))

    def run(self) -> NDArray[numpy.float64]:
        """Probabilities [batch, answers]."""
        root = [numpy.zeros(1, dtype=numpy.int64)] * len(self.batch)
        self._spread(root, self.batch.first[:, None], torch.zeros_like(self.batch.first[:, :1]))
        for level in self.trie.levels[1:]:
            nodes = numpy.array(level)
            mass = numpy.exp(self.logp[:, nodes])
            live = (mass > 0) & (mass >= self.least_share * mass.sum(1, keepdims=True))
            inner = self.trie.has_children[nodes]
            self._visit([nodes[alive & inner] for alive in live], keep=True)
            self._close([nodes[alive & ~inner] for alive in live])
        return self.answers

    def _close(self, ending: Sequence[NDArray[numpy.int64]]) -> None:
        """Turns nodes that only an end token can follow, [batch][nodes], into answers."""
        trie = self.trie
        if self.quick:
            for row, nodes in enumerate(ending):
                self.answers[row, trie.answer_of[nodes]] = numpy.exp(self.logp[row, nodes])
            return
        likeliest = [self._likeliest_of_each_parent(row, nodes) for row, nodes in enumerate(ending)]
        self._visit(likeliest, keep=False)
        others: list[NDArray[numpy.int64]] = []
        for row, nodes in enumerate(ending):
            first = likeliest[row]
            factors = self.answers[row, trie.answer_of[first]] / numpy.exp(self.logp[row, first])
            if (factors >= CERTAIN_END).all():
                of_parent = numpy.ones(len(trie))
                of_parent[trie.parent[first]] = factors
                self.answers[row, trie.answer_of[nodes]] = numpy.exp(self.logp[row, nodes]) * of_parent[trie.parent[nodes]]
                nodes = nodes[:0]
            others.append(numpy.setdiff1d(nodes, first))
        self._visit(others, keep=False)

    def _likeliest_of_each_parent(self, row: int, nodes: NDArray[numpy.int64]) -> NDArray[numpy.int64]:
        parents = self.trie.parent[nodes]
        order = numpy.lexsort((-self.logp[row, nodes], parents))
        return nodes[order][numpy.unique(parents[order], return_index=True)[1]]

    def _visit(self, rows: Sequence[NDArray[numpy.int64]], keep: bool) -> None:
        """Runs nodes of one level, [batch][nodes]. `keep`: their keys stay in the cache for the next level."""
        vocabulary = self.batch.first.shape[-1]
        per_pass = max(1, min(_NODES_PER_ROW, _LOGITS_AT_ONCE // (len(self.batch) * vocabulary)))
        for start in range(0, max(map(len, rows)), per_pass):
            self._forward([row[start : start + per_pass] for row in rows], keep)

    def _forward(self, rows: Sequence[NDArray[numpy.int64]], keep: bool) -> None:
        """Runs some nodes of one level, [batch][nodes], and hands their probabilities on to their children."""
        batch, trie = self.batch, self.trie
        width = max(len(row) for row in rows)
        if width == 0:
            return
        model = batch.model
        start = batch.cache.get_seq_length()
        depth = next(len(trie.ancestors[row[0]]) - 1 for row in rows if len(row))
        ids = torch.zeros(len(rows), width, dtype=torch.long)
        seen = torch.zeros(len(rows), width, start + width, dtype=torch.bool)
        seen[:, :, : batch.length] = batch.mask.bool().cpu()[:, None]
        seen[:, torch.arange(width), start + torch.arange(width)] = True
        for at, row in enumerate(rows):
            if not len(row):
                continue
            ids[at, : len(row)] = torch.from_numpy(trie.tokens[row])
            self.slot[at, row] = start + numpy.arange(len(row))
            above = numpy.array([trie.ancestors[node][1:-1] for node in row], dtype=numpy.int64)  # [nodes, depth - 1]
            for column in range(above.shape[1]):
                seen[at, torch.arange(len(row)), torch.from_numpy(self.slot[at, above[:, column]])] = True
        mask = torch.zeros(seen.shape, dtype=model.dtype).masked_fill_(~seen, torch.finfo(model.dtype).min)
        positions = (batch.lengths + depth - 1)[:, None].expand(-1, width)
        output = model(
            input_ids=ids.to(model.device),
            attention_mask=mask[:, None].to(model.device),
            position_ids=positions,
            past_key_values=batch.cache,
            use_cache=True,
        )
        logits = cast("Tensor", output.logits).float()
        self._spread(rows, logits, logits.logsumexp(-1))
        if not keep:
            batch.forget_beyond(start)

    def _spread(self, rows: Sequence[NDArray[numpy.int64]], logits: Tensor, normalisers: Tensor) -> None:
        """Hands the probabilities of nodes on to their children, and closes answers.

        `rows` [batch][nodes] names the nodes of `logits` [batch, nodes, vocabulary] and `normalisers` [batch, nodes].
        """
        trie = self.trie
        at = numpy.repeat(numpy.arange(len(rows)), [len(row) for row in rows])
        place = numpy.concatenate([numpy.arange(len(row)) for row in rows])
        node = numpy.concatenate(rows)

        def steps(at: NDArray[numpy.int64], place: NDArray[numpy.int64], token: Any) -> NDArray[numpy.float64]:
            found = logits[torch.from_numpy(at), torch.from_numpy(place), token]
            below = normalisers[torch.from_numpy(at), torch.from_numpy(place)]
            logps: NDArray[numpy.float64] = (found - below).double().cpu().numpy()
            return logps

        counts = trie.first_edge[node + 1] - trie.first_edge[node]
        if counts.any():
            of = numpy.repeat(numpy.arange(len(node)), counts)
            within = numpy.arange(len(of)) - numpy.repeat(numpy.cumsum(counts) - counts, counts)
            edge = trie.first_edge[node[of]] + within
            added = steps(at[of], place[of], torch.from_numpy(trie.edge_token[edge]))
            self.logp[at[of], trie.edge_child[edge]] = self.logp[at[of], node[of]] + added
        closing = numpy.flatnonzero(trie.answer_of[node] >= 0)
        if len(closing):
            at, place, node = at[closing], place[closing], node[closing]
            ends = steps(at, place, trie.end_token)
            self.answers[at, trie.answer_of[node]] = numpy.exp(self.logp[at, node] + ends)
