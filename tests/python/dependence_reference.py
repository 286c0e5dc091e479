"""Partial dependence and accumulated local effects of a LightGBM model: what tests/slt/partial_dependence.slt and
tests/slt/accumulated_local_effects.slt expect of the same model after import_model.

    python tests/python/dependence_reference.py

Needs lightgbm 4.7, scikit-learn 1.9 and PyALE 1.2. Prints the model's text, the numbers of scikit-learn's brute-force
partial_dependence, and those of PyALE at four intervals between the five values of the feature.
"""

import lightgbm
import numpy as np
import pandas as pd
from PyALE import ale
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.inspection import partial_dependence

k = np.arange(60)
a = np.select([k < 10, k < 20, k < 35, k < 50], [0, 15, 30, 45], 60)
data = pd.DataFrame({"a": a.astype(float), "b": (k * 23 % 17).astype(float)})
y = data["a"] * data["b"] / 10 + np.where(data["a"] > 30, 20, 0)


class Booster(RegressorMixin, BaseEstimator):
    """A model as scikit-learn takes it."""

    def fit(self, x, y):
        options = {"objective": "regression", "num_leaves": 4, "min_data_in_leaf": 5, "learning_rate": 0.5}
        train = lightgbm.Dataset(x, label=y)
        self.model_ = lightgbm.train({**options, "verbosity": -1}, train, num_boost_round=3)
        return self

    def predict(self, x):
        return self.model_.predict(x)


model = Booster().fit(data, y)
wanted = (
    "tree version num_class num_tree_per_iteration label_index max_feature_idx objective feature_names Tree num_leaves "
    "num_cat split_feature split_gain threshold decision_type left_child right_child leaf_value leaf_count "
    "internal_value internal_count shrinkage"
).split()
for line in model.model_.model_to_string().split("end of trees")[0].splitlines():
    if line.split("=")[0] in wanted:
        print(line)
print("end of trees")

for feature, values in (("a", [0.0, 15.0, 30.0, 45.0, 60.0]), ("b", [0.0, 4.0, 8.0, 12.0, 16.0])):
    found = partial_dependence(
        model, data, [feature], method="brute", kind="average", custom_values={feature: np.array(values)}
    )
    for value, effect in zip(values, found["average"][0]):
        print(f"partial dependence of {feature}: {value:g} {effect:.9f}")

effects = ale(X=data, model=model, feature=["a"], feature_type="continuous", grid_size=4, include_CI=False, plot=False)
for value, row in effects.iterrows():
    print(f"accumulated local effects of a: {value:g} {row['eff']:.9f} {row['size']:g}")
