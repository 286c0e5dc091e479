"""Expected values of the unit tests of udfs/src/models/elastic_net.

Run with scikit-learn 1.9.1: python tests/python/elastic_net_reference.py
"""

import numpy as np
from sklearn.linear_model import ElasticNet, Lasso

i = np.arange(60)[:, None]
j = np.arange(6)[None, :]
x = ((i * i * (j + 2) + 5 * i * (j + 1) + 3 * j) % 23).astype(float)
x[:, 4] *= 10.0
y = 3.0 * x[:, 0] - 2.0 * x[:, 2] + 0.05 * x[:, 4] + (7 * i[:, 0] % 13) + 100.0
w = 1.0 + i[:, 0] % 3


def show(name, model, weights=None):
    model.set_params(tol=1e-15, max_iter=1_000_000)
    model.fit(x, y, sample_weight=weights)
    print(name, repr(model.intercept_), [float(c) for c in model.coef_])


show("lasso 0.5", Lasso(alpha=0.5))
show("lasso 20", Lasso(alpha=20.0))
show("lasso 1e6", Lasso(alpha=1e6))
show("lasso 0.5 without intercept", Lasso(alpha=0.5, fit_intercept=False))
show("lasso 2 weighted", Lasso(alpha=2.0), w)
show("elastic net 1, 0.3", ElasticNet(alpha=1.0, l1_ratio=0.3))
show("elastic net 0.7, 0.9 weighted", ElasticNet(alpha=0.7, l1_ratio=0.9), w)
