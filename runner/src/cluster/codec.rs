//! Our own operators on the wire; the rest is Ballista's.

use std::path::Path;
use std::sync::Arc;

use ballista_core::serde::BallistaPhysicalExtensionCodec;
use datafusion::common::{Result, exec_datafusion_err, internal_datafusion_err};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};

use super::shards::WriteShards;

/// How the bytes of [`WriteShards`] begin: no message of Ballista's begins so.
const SHARDS: &[u8] = b"\xfflagrange/shards\0";

/// Encodes and decodes operators.
#[derive(Debug, Default)]
pub struct Codec {
    ballista: BallistaPhysicalExtensionCodec,
}

impl PhysicalExtensionCodec for Codec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(folder) = bytes.strip_prefix(SHARDS) else {
            return self.ballista.try_decode(bytes, inputs, context, converter);
        };
        let odd = || internal_datafusion_err!("shards that cannot be decoded");
        let folder = str::from_utf8(folder).map_err(|_| odd())?;
        let [input] = inputs else { return Err(odd()) };
        Ok(Arc::new(WriteShards::new(
            Arc::clone(input),
            Path::new(folder),
        )))
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        bytes: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let Some(shards) = node.downcast_ref::<WriteShards>() else {
            return self.ballista.try_encode(node, bytes, converter);
        };
        let folder = shards.folder().to_str().ok_or_else(|| {
            exec_datafusion_err!("the folder {} is not UTF-8", shards.folder().display())
        })?;
        bytes.extend_from_slice(SHARDS);
        bytes.extend_from_slice(folder.as_bytes());
        Ok(())
    }
}
