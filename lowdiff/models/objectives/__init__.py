"""What a denoiser learns: a path from data to noise, a prediction, a weight, a density of times.

One convention for all of them: t = 0 is data, t = 1 is noise, and a noised latent is
x_t = alpha(t) * x0 + sigma(t) * noise. A denoiser maps (x_t, t, text) to a prediction of x_t's
shape; `objective.Objective` knows what the prediction means.
"""
