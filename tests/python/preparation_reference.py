"""What the tests of udfs/src/models/preparation.rs and tests/slt/fit_prepare.slt
expect: scikit-learn 1.9.1, numpy 2.4.6.

    python tests/python/preparation_reference.py
"""

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler

X = np.array([1.0, 2.0, 2.0, 4.0, 7.0, 11.0, 50.0])[:, None]
# None of the values that repeat: there scikit-learn means the middle of their ranks,
# and numpy's interpolation gives it an end.
OTHERS = np.array([-3.0, 1.5, 3.0, 5.5, 60.0])[:, None]


def show(name, values):
    print(name, ", ".join(f"{value:.12f}" for value in np.ravel(values)))


def rank_gauss(n):
    return QuantileTransformer(n_quantiles=min(1000, n), output_distribution="normal", subsample=None)


def main():
    show("standardize", StandardScaler().fit(X).transform(OTHERS))
    show("rank_gauss", rank_gauss(len(X)).fit(X).transform(OTHERS))
    low, high = np.quantile(X, [0.1, 0.9])
    show("winsorize", np.clip(OTHERS, low, high))
    gaps = np.array([1.0, np.nan, 3.0, 10.0])[:, None]
    show("impute_median, standardize", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()).fit_transform(gaps))

    k = np.arange(60)
    a = (k * 37 % 61).astype(float)
    b = np.where(k % 7 == 0, np.nan, k * 11 % 17)
    y = a * a / 10 + np.nan_to_num(b) + k % 3
    features = np.column_stack([a, b])
    at = np.array([[10.0, np.nan], [70.0, 3.0]])
    model = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), LinearRegression())
    show("ols after impute_median, standardize:", model.fit(features, y).predict(at))
    model = make_pipeline(rank_gauss(len(k)), LinearRegression())
    show("ols of a after rank_gauss:", model.fit(features[:, :1], y).predict(at[:, :1]))


if __name__ == "__main__":
    main()
