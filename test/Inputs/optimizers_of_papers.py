# Optimizers that PyTorch does not have, in numpy from their papers, with torch.optim's manners: `step()` moves the parameters it was given
# by their `.grad`. What tests compare with.
import numpy


class OfPaper:
    def __init__(self, parameters, **settings):
        self.parameters, self.settings, self.t = list(parameters), settings, 0
        self.states = [{} for _ in self.parameters]

    def zero_grad(self):
        for parameter in self.parameters:
            parameter.grad = None

    def step(self):
        self.t += 1
        for parameter, state in zip(self.parameters, self.states):
            x, g = parameter.detach().numpy(), parameter.grad.detach().numpy()
            for name in ("m", "v"):
                state.setdefault(name, numpy.zeros_like(x))
            x[...] = self.moved(x, g, state, **self.settings)


class Lion(OfPaper):
    """Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2."""

    def moved(self, x, g, state, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        c = betas[0] * state["m"] + (1 - betas[0]) * g
        state["m"] = betas[1] * state["m"] + (1 - betas[1]) * g
        return x - lr * (numpy.sign(c) + weight_decay * x)


class Lamb(OfPaper):
    """You et al. 2020, "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes", algorithm 2, with phi(z) = z and the
    ratio 1 where one of the norms is 0."""

    def moved(self, x, g, state, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.01):
        state["m"] = betas[0] * state["m"] + (1 - betas[0]) * g
        state["v"] = betas[1] * state["v"] + (1 - betas[1]) * g**2
        m, v = state["m"] / (1 - betas[0]**self.t), state["v"] / (1 - betas[1]**self.t)
        move = m / (numpy.sqrt(v) + eps) + weight_decay * x
        of_x, of_move = (numpy.sqrt(numpy.sum(a.astype(numpy.float64)**2)) for a in (x, move))
        ratio = of_x / of_move if of_x > 0 and of_move > 0 else 1.0
        return x - (lr * ratio * move).astype(x.dtype)
