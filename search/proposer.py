"""What a Study proposes: its sampler, taught by what the sweep and earlier ones have found.

Samplers see results only. Around them stand the best configurations of earlier sweeps, tried
again before anything else, and what the user believes (samplers/prior.py).
"""

from __future__ import annotations

from dataclasses import replace

from .events import Learned
from .fitting import fitted
from .history import Observation, Observations, Proposal
from .objective import Objective
from .samplers.prior import believing
from .space import Config
from .sweep import Sweep
from .tried import Tried

LEADERS = 3  # of each earlier sweep
# Earlier trials come before all others. Their numbers are far from every one that a sampler may
# think of for a trial or a candidate of its own.
EARLIER = -(10**9)


class Proposer:
    """One for a study; it fills `observations` with what earlier sweeps have found."""

    def __init__(self, sweep: Sweep, observations: Observations) -> None:
        self._observations = observations
        self._began: list[Config] = []
        self._outside = 0  # how many of these the space of now does not hold
        self._take(sweep)
        self._objective = Objective(sweep.outcomes)
        self._leaders: list[Proposal] = []
        self._learned = 0
        self.learned: list[str] = []  # the earlier runs whose results are here

    def change(self, sweep: Sweep) -> None:
        """Propose for another space from now on, with what of the results is of use there."""
        before = self.space
        self._take(sweep)

        def fit(config: Config) -> Config | None:
            return fitted(self.space, config, before)

        self._observations.refit(fit)
        self._outside = 0
        for began in self._began:
            if (config := fit(began)) is not None:
                self._tried.add(config)
            else:
                self._outside += 1
        self._leaders = [
            replace(known, config=config)
            for known in self._leaders
            if (config := fit(known.config)) is not None
        ]

    def _take(self, sweep: Sweep) -> None:
        space = self.space = sweep.space
        self._replicates = sweep.replicates
        self._tried = Tried(space, sweep.replicates)
        self._sampler = believing(sweep.chosen.sampler.build(space, sweep.seed), space, sweep.seed)

    @property
    def count(self) -> int | None:
        """How many trials there can be, those of before included; None where there is no end."""
        points = self.space.points
        return None if points is None else len(points) * self._replicates + self._outside

    def propose(self, number: int) -> Proposal | None:
        """What to try as trial `number`; None when nothing is left."""
        if number <= len(self._leaders):
            return self._leaders[number - 1]
        history = self._observations.history(self._tried)
        # The sampler's own first trial, the user's defaults, comes after those.
        first = self._leaders and number == len(self._leaders) + 1
        return self._sampler.propose(1 if first else number, history)

    def began(self, trial: int, config: Config) -> None:
        """A new trial has begun."""
        self._began.append(config)
        self._tried.add(config)
        self._observations.began(trial, config)

    def learn(self, event: Learned) -> None:
        """Take over what an earlier sweep has found."""
        loss, score = self._objective.loss, self._objective.score
        for result in event.results:
            self._learned += 1
            observation = Observation(
                trial=EARLIER + self._learned,
                config=result["config"],
                values={int(rung): loss(score(m)) for rung, m in result["values"].items()},
                diverged=result.get("diverged", False),
            )
            self._observations.put(observation)
        self.learned.append(event.run)
        configs = {result["trial"]: result["config"] for result in event.results}
        for trial in event.leaders:
            proposal = Proposal(config=configs[trial], origin=f"from {event.run}, trial {trial}")
            if not any(proposal.config == known.config for known in self._leaders):
                self._leaders.append(proposal)
