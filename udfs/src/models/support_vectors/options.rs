//! The options of support vector machines.

use crate::definition::{Accepts, OptionKey};

/// What `svr` reads.
pub const SVR: &[&str] = &[
    "kernel",
    "c",
    "epsilon",
    "gamma",
    "degree",
    "kernel_offset",
    "standardize",
];

/// What `svc` reads.
pub const SVC: &[&str] = &[
    "kernel",
    "c",
    "gamma",
    "degree",
    "kernel_offset",
    "standardize",
];

/// The declarations.
pub const KEYS: &[OptionKey] = &[
    OptionKey {
        name: "kernel",
        accepts: Accepts::Choice(&["rbf", "linear", "poly"]),
        default: "\"rbf\"",
        docs: "svr, svc: how alike two rows x and z are: rbf exp(-gamma |x - z|²), linear x·z, poly \
               (gamma x·z + kernel_offset)^degree",
    },
    OptionKey {
        name: "c",
        accepts: Accepts::Number(1e-9, 1e9),
        default: "1.0",
        docs: "svr, svc: what an error costs against a smooth function; a row's weight multiplies it",
    },
    OptionKey {
        name: "epsilon",
        accepts: Accepts::Number(0.0, 1e300),
        default: "0.1",
        docs: "svr: errors up to this cost nothing; in standard deviations of the target, or with standardize false \
               in its units",
    },
    OptionKey {
        name: "gamma",
        accepts: Accepts::Number(1e-12, 1e12),
        default: "null",
        docs: "svr, svc, kernels rbf and poly (1 / (features × variance of all their values)): how fast likeness falls \
               with distance",
    },
    OptionKey {
        name: "degree",
        accepts: Accepts::Integer(1, 20),
        default: "3",
        docs: "svr, svc, kernel poly: the power",
    },
    OptionKey {
        name: "kernel_offset",
        accepts: Accepts::Number(-1e6, 1e6),
        default: "0.0",
        docs: "svr, svc, kernel poly: what is added before the power",
    },
];
