//! Aggregate functions: one implementation for all of the list.
//!
//! DuckDB keeps a pointer per group, and copies it about as it likes; the state
//! behind it stays where it is.

use libduckdb_sys as ffi;

use crate::definition::{AnyAggregate, AnyState, Function};
use crate::error::{Error, Result};
use crate::input::{Inputs, Rows};
use crate::value::Value;

use super::callback::contain;
use super::groups::Groups;
use super::logical_type::LogicalType;
use super::reader;
use super::scratch::Scratch;
use super::writer::Writer;
use super::{c_name, parameter_type, registered, turns};

/// Registers `function` as `name`, an overload for each number of arguments.
///
/// # Safety
/// `connection` is open.
pub(super) unsafe fn register(
    connection: ffi::duckdb_connection,
    name: &str,
    function: &'static Function,
) -> Result<()> {
    let signature = function.signature();
    let c_name = c_name(name)?;
    let parameters = signature
        .arguments
        .iter()
        .map(|argument| parameter_type(name, argument))
        .collect::<Result<Vec<_>>>()?;
    let returns = LogicalType::returned(&signature.returns);
    // SAFETY: the connection is open; what is created here is destroyed here,
    // after DuckDB has copied it. The extra info is a static.
    let state = unsafe {
        let mut set = ffi::duckdb_create_aggregate_function_set(c_name.as_ptr());
        for arity in signature.required()..=parameters.len() {
            let mut overload = ffi::duckdb_create_aggregate_function();
            ffi::duckdb_aggregate_function_set_name(overload, c_name.as_ptr());
            for parameter in &parameters[..arity] {
                ffi::duckdb_aggregate_function_add_parameter(overload, parameter.raw());
            }
            ffi::duckdb_aggregate_function_set_return_type(overload, returns.raw());
            ffi::duckdb_aggregate_function_set_special_handling(overload);
            ffi::duckdb_aggregate_function_set_extra_info(
                overload,
                std::ptr::from_ref(function).cast_mut().cast(),
                None,
            );
            ffi::duckdb_aggregate_function_set_functions(
                overload,
                Some(size),
                Some(init),
                Some(update),
                Some(combine),
                Some(finalize),
            );
            ffi::duckdb_aggregate_function_set_destructor(overload, Some(destroy));
            ffi::duckdb_add_aggregate_function_to_set(set, overload);
            ffi::duckdb_destroy_aggregate_function(&mut overload);
        }
        let state = ffi::duckdb_register_aggregate_function_set(connection, set);
        ffi::duckdb_destroy_aggregate_function_set(&mut set);
        state
    };
    registered(name, state)
}

/// Where DuckDB keeps the pointer to a state.
type Slot = *mut *mut AnyState;

unsafe extern "C" fn size(_info: ffi::duckdb_function_info) -> ffi::idx_t {
    size_of::<*mut AnyState>() as ffi::idx_t
}

unsafe extern "C" fn init(info: ffi::duckdb_function_info, state: ffi::duckdb_aggregate_state) {
    // SAFETY: DuckDB passes room for a pointer. It goes on to use and destroy
    // the states of a batch of which one has failed, so a failure leaves a null
    // pointer, which the other callbacks report, rather than no pointer.
    unsafe {
        let slot: Slot = state.cast();
        slot.write(std::ptr::null_mut());
        let function: &'static Function =
            &*ffi::duckdb_aggregate_function_get_extra_info(info).cast();
        let _ = contain(function.signature().name, || {
            if let Function::Aggregate(aggregate) = function {
                slot.write(Box::into_raw(Box::new(aggregate.start())));
            }
            Ok(())
        });
    }
}

unsafe extern "C" fn update(
    info: ffi::duckdb_function_info,
    chunk: ffi::duckdb_data_chunk,
    states: *mut ffi::duckdb_aggregate_state,
) {
    // SAFETY: DuckDB passes flat arguments and a slot per row, which `init` has
    // filled and which no other thread uses meanwhile.
    unsafe {
        run(info, |aggregate| {
            Scratch::with(|scratch| {
                let inputs = reader::inputs(aggregate.signature(), chunk, scratch)?;
                update_groups(aggregate, &inputs, slots(states, inputs.rows))
            })
        });
    }
}

/// Hands each state its rows.
///
/// # Safety
/// `init` has filled the slots, one per row, and nobody else uses the states.
unsafe fn update_groups(
    aggregate: &dyn AnyAggregate,
    inputs: &Inputs<'_>,
    slots: &[usize],
) -> Result<()> {
    let name = aggregate.signature().name;
    let Some(&first) = slots.first() else {
        return Ok(());
    };
    // SAFETY: as promised by the caller; no two groups share a state.
    unsafe {
        if slots.iter().all(|&slot| slot == first) {
            return aggregate.update(state(name, first as Slot)?, inputs, Rows::All(inputs.rows));
        }
        for (slot, rows) in Groups::new(slots).iter() {
            aggregate.update(state(name, slot as Slot)?, inputs, Rows::Some(rows))?;
        }
    }
    Ok(())
}

unsafe extern "C" fn combine(
    info: ffi::duckdb_function_info,
    sources: *mut ffi::duckdb_aggregate_state,
    targets: *mut ffi::duckdb_aggregate_state,
    count: ffi::idx_t,
) {
    // SAFETY: DuckDB passes `count` slots twice, which `init` has filled. Only
    // the targets change: windows combine from the same source many times.
    unsafe {
        run(info, |aggregate| {
            let name = aggregate.signature().name;
            let sources = slots(sources, count as usize);
            let targets = slots(targets, count as usize);
            for (&source, &target) in sources.iter().zip(targets) {
                if source == target {
                    return Err(Error::internal(name, "a state would merge into itself"));
                }
                aggregate.merge(state(name, target as Slot)?, state(name, source as Slot)?)?;
            }
            // Groups and windows, which are many, are shared out anyway.
            if let [target] = *targets {
                turns::merged(aggregate.size(state(name, target as Slot)?));
            }
            Ok(())
        });
    }
}

unsafe extern "C" fn finalize(
    info: ffi::duckdb_function_info,
    states: *mut ffi::duckdb_aggregate_state,
    result: ffi::duckdb_vector,
    count: ffi::idx_t,
    offset: ffi::idx_t,
) {
    // SAFETY: DuckDB passes `count` slots, which `init` has filled, and room
    // for as many results from `offset` on.
    unsafe {
        run(info, |aggregate| {
            let signature = aggregate.signature();
            let states = slots(states, count as usize);
            if let [only] = *states {
                turns::begin(aggregate.size(state(signature.name, only as Slot)?));
            }
            let values = states
                .iter()
                .map(|&slot| {
                    let state = state(signature.name, slot as Slot)?;
                    aggregate.settle(state);
                    aggregate.finish(state)
                })
                .collect::<Result<Vec<Value>>>()?;
            let offset = offset as usize;
            Writer::new(signature.name, &signature.returns, result, offset)
                .values(&values.iter().collect::<Vec<_>>())
        });
    }
}

unsafe extern "C" fn destroy(states: *mut ffi::duckdb_aggregate_state, count: ffi::idx_t) {
    // SAFETY: DuckDB passes `count` slots, which `init` has filled, for the
    // last time.
    unsafe {
        for &slot in slots(states, count as usize) {
            let slot = slot as Slot;
            let state = slot.replace(std::ptr::null_mut());
            if !state.is_null() {
                // There is nobody to tell if dropping a state panics.
                let _ = contain("aggregate", || {
                    drop(Box::from_raw(state));
                    Ok(())
                });
            }
        }
        turns::give_way();
    }
}

/// Runs the body of a callback with the aggregate that `info` belongs to.
///
/// # Safety
/// `info` is that of a callback of an aggregate of [`register`].
unsafe fn run(
    info: ffi::duckdb_function_info,
    body: impl FnOnce(&'static dyn AnyAggregate) -> Result<()>,
) {
    // SAFETY: `register` has set the extra info to a function of the list.
    let function: &'static Function =
        unsafe { &*ffi::duckdb_aggregate_function_get_extra_info(info).cast() };
    let outcome = contain(function.signature().name, || match function {
        Function::Aggregate(aggregate) => body(*aggregate),
        other => Err(Error::internal(
            other.signature().name,
            "registered as an aggregate",
        )),
    });
    if let Err(message) = outcome {
        // SAFETY: DuckDB copies the text.
        unsafe { ffi::duckdb_aggregate_function_set_error(info, message.as_ptr()) };
    }
}

/// The addresses of the slots, as keys to group rows by.
///
/// # Safety
/// `states` has `count` entries and lives for `'a`.
unsafe fn slots<'a>(states: *mut ffi::duckdb_aggregate_state, count: usize) -> &'a [usize] {
    if count == 0 {
        return &[];
    }
    // SAFETY: as promised by the caller; a pointer has the layout of a usize.
    unsafe { std::slice::from_raw_parts(states.cast::<usize>(), count) }
}

/// The state behind a slot.
///
/// # Safety
/// `init` has filled the slot, and nobody else uses the state for `'a`.
unsafe fn state<'a>(function: &str, slot: Slot) -> Result<&'a mut AnyState> {
    // SAFETY: as promised by the caller.
    unsafe { (*slot).as_mut() }.ok_or_else(|| Error::internal(function, "a state is missing"))
}
