"""Prints the values that the tests of pls, knn, svr, svc and naive_bayes expect,
as scikit-learn has them. Run by hand when a test gains a value:

    pip install numpy==2.4.6 scikit-learn==1.9.1
    python tests/python/breadth_reference.py
"""

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.cross_decomposition import PLSRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR


def show(title, values):
    print(f"{title}: [{', '.join(repr(float(v)) for v in np.ravel(values))}]")


# The columns of the tests: whole numbers, taken apart by primes.
i = np.arange(60)
a = (i * 37 % 61) + 0.0
b = (i * 23 % 59) * 10.0 - 200.0
c = (i * 11 % 31) / 16.0
X = np.column_stack([a, b, c])
y = 0.1 * a + 0.01 * b + np.sin(i) + c * c
grade = np.where(y < 4, 0.0, np.where(y < 6, 1.0, 4.0))
weight = 1.0 + i % 3
# Where the models are asked.
at = np.array([[10.25, 55.5, 0.3], [50.5, -120.25, 1.7], [30.125, 300.0, 0.9], [0.0, -200.0, 0.0]])

for k in (1, 2, 3):
    model = PLSRegression(n_components=k).fit(X, y)
    zero = model.predict(np.zeros((1, 3)))
    show(f"pls {k} components: intercept, coefficients", [*np.ravel(zero), *np.ravel(model.coef_)])

scaler = StandardScaler().fit(X)
for weights in ("uniform", "distance"):
    model = make_pipeline(StandardScaler(), KNeighborsRegressor(7, weights=weights)).fit(X, y)
    show(f"knn regression {weights}", model.predict(at))
    model = make_pipeline(StandardScaler(), KNeighborsClassifier(7, weights=weights)).fit(X, grade)
    show(f"knn classification {weights}", model.predict(at))
    show(f"knn probabilities {weights}", model.predict_proba(at))
show("knn raw", KNeighborsRegressor(3).fit(X, y).predict(at))

exact = {"tol": 1e-12, "cache_size": 100}
for title, parameters in [
    ("rbf", {}),
    ("rbf gamma 0.5 c 10", {"gamma": 0.5, "C": 10.0, "epsilon": 0.05}),
    ("linear", {"kernel": "linear"}),
    ("poly", {"kernel": "poly", "degree": 2, "coef0": 1.0}),
]:
    svr = make_pipeline(StandardScaler(), SVR(**parameters, **exact))
    model = TransformedTargetRegressor(svr, transformer=StandardScaler()).fit(X, y)
    show(f"svr {title}", model.predict(at))
raw = SVR(epsilon=0.2, **exact).fit(X, y, sample_weight=weight)
show("svr raw weighted", raw.predict(at))
for title, parameters in [("rbf", {}), ("linear", {"kernel": "linear"})]:
    model = make_pipeline(StandardScaler(), SVC(**parameters, **exact)).fit(X, grade)
    show(f"svc {title} wrong", np.sum(model.predict(X) != grade))
    show(f"svc {title}", model.predict(at))
    model = make_pipeline(StandardScaler(), SVC(**parameters, **exact)).fit(X, grade > 0)
    show(f"svc {title} two classes: decision", -model.decision_function(at))

for title, kwargs in [("", {}), (" weighted", {"sample_weight": weight})]:
    # With weights unsmoothed: scikit-learn smooths by the unweighted variance.
    model = GaussianNB(var_smoothing=0 if kwargs else 1e-9).fit(X, grade, **kwargs)
    show(f"naive_bayes{title}", model.predict(at))
    show(f"naive_bayes{title} log probabilities", model.predict_log_proba(at))
    show(f"naive_bayes{title} means", model.theta_)
    show(f"naive_bayes{title} variances", model.var_)
