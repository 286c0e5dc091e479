//! What `--engine` names.

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::EngineName;
use crate::cluster::Address;

/// How the address of a cluster begins.
const BALLISTA: &str = "ballista://";

/// An engine, or a cluster of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineArg {
    /// What plans.
    pub name: EngineName,
    /// Who runs the plans, if others do.
    pub scheduler: Option<Address>,
}

impl EngineArg {
    /// DataFusion on the machines of a cluster.
    pub fn of_cluster(scheduler: &Address) -> Self {
        Self {
            name: EngineName::DataFusion,
            scheduler: Some(scheduler.clone()),
        }
    }
}

/// Reads the name of an engine, or the address of a cluster.
#[derive(Debug, Clone, Copy)]
pub struct EngineParser;

impl TypedValueParser for EngineParser {
    type Value = EngineArg;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<EngineArg, clap::Error> {
        let text = value.to_string_lossy();
        if let Some(address) = text.strip_prefix(BALLISTA)
            && let Ok(address) = address.parse()
        {
            return Ok(EngineArg::of_cluster(&address));
        }
        let known = EngineName::ALL.into_iter().find(|name| name.name() == text);
        if let Some(name) = known {
            return Ok(EngineArg {
                name,
                scheduler: None,
            });
        }
        let mut error = clap::Error::new(ErrorKind::InvalidValue).with_cmd(command);
        if let Some(argument) = argument {
            let argument = ContextValue::String(argument.to_string());
            error.insert(ContextKind::InvalidArg, argument);
        }
        error.insert(
            ContextKind::InvalidValue,
            ContextValue::String(text.into_owned()),
        );
        let known = names().map(|name| name.get_name().to_owned()).collect();
        error.insert(ContextKind::ValidValue, ContextValue::Strings(known));
        Err(error)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(names()))
    }
}

fn names() -> impl Iterator<Item = PossibleValue> {
    let engines = EngineName::ALL.into_iter();
    let engines = engines.map(|name| PossibleValue::new(name.name()).help(name.about()));
    engines.chain([PossibleValue::new("ballista://HOST:PORT")
        .help("DataFusion on the machines of a cluster: lagrange cluster")])
}
