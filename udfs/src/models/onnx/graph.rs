//! An ONNX graph while it is built.

use prost::Message;

use super::message::{
    AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    StringStringEntryProto, TensorProto, TensorShapeProto, TensorTypeProto, TypeProto,
    ValueInfoProto,
};

/// Everything is in 64 bits: 32-bit thresholds would send rows elsewhere.
const OPSET: i64 = 21;
const ML_OPSET: i64 = 5;
const IR_VERSION: i64 = 10;
const ML: &str = "ai.onnx.ml";

/// Nodes in the order in which they run.
#[derive(Default)]
pub struct Graph {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    inputs: Vec<ValueInfoProto>,
    outputs: Vec<ValueInfoProto>,
}

impl Graph {
    /// One input of a value per row.
    pub fn input(&mut self, name: &str, element: i32) {
        self.inputs.push(value(name, element, &[]));
    }

    /// A result: a value per row, or `widths` of them.
    pub fn output(&mut self, name: &str, widths: &[i64]) {
        self.outputs.push(value(name, TensorProto::DOUBLE, widths));
    }

    /// A constant; returns its name.
    pub fn doubles(&mut self, dims: &[i64], values: &[f64]) -> String {
        self.constant(tensor(dims, TensorProto::DOUBLE, double_bytes(values)))
    }

    /// A constant; returns its name.
    pub fn integers(&mut self, values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        let dims = [values.len() as i64];
        self.constant(tensor(&dims, TensorProto::INT64, bytes.collect()))
    }

    fn constant(&mut self, mut tensor: TensorProto) -> String {
        tensor.name = format!("lagrange_constant_{}", self.constants.len());
        self.constants.push(tensor);
        format!("lagrange_constant_{}", self.constants.len() - 1)
    }

    /// A node with one output; returns its name.
    pub fn node(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        let output = format!("lagrange_value_{}", self.nodes.len());
        self.named_node(op, inputs, attributes, &output);
        output
    }

    /// A node whose output has that name.
    pub fn named_node(
        &mut self,
        op: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
        output: &str,
    ) {
        let of_ml = ["LabelEncoder", "TreeEnsemble"].contains(&op);
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|name| (*name).to_owned()).collect(),
            output: vec![output.to_owned()],
            op_type: op.to_owned(),
            attribute: attributes,
            domain: if of_ml { ML } else { "" }.to_owned(),
        });
    }

    /// The file.
    pub fn finish(self, metadata: &[(&str, String)]) -> Vec<u8> {
        let opset = |domain: &str, version| OperatorSetIdProto {
            domain: domain.to_owned(),
            version,
        };
        let entry = |(key, value): &(&str, String)| StringStringEntryProto {
            key: (*key).to_owned(),
            value: value.clone(),
        };
        let model = ModelProto {
            ir_version: IR_VERSION,
            producer_name: "lagrange".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            graph: Some(GraphProto {
                node: self.nodes,
                name: "lagrange".to_owned(),
                initializer: self.constants,
                input: self.inputs,
                output: self.outputs,
            }),
            opset_import: vec![opset("", OPSET), opset(ML, ML_OPSET)],
            metadata_props: metadata.iter().map(entry).collect(),
        };
        model.encode_to_vec()
    }
}

fn value(name: &str, element: i32, widths: &[i64]) -> ValueInfoProto {
    let rows = DimensionProto {
        dim_value: None,
        dim_param: Some("rows".to_owned()),
    };
    let fixed = widths.iter().map(|width| DimensionProto {
        dim_value: Some(*width),
        dim_param: None,
    });
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            tensor_type: Some(TensorTypeProto {
                elem_type: element,
                shape: Some(TensorShapeProto {
                    dim: std::iter::once(rows).chain(fixed).collect(),
                }),
            }),
        }),
    }
}

fn double_bytes(values: &[f64]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn tensor(dims: &[i64], data_type: i32, raw_data: Vec<u8>) -> TensorProto {
    TensorProto {
        dims: dims.to_vec(),
        data_type,
        name: String::new(),
        raw_data,
    }
}

fn attribute(name: &str, kind: i32) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: kind,
        ..AttributeProto::default()
    }
}

/// An attribute.
pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        i: Some(value),
        ..attribute(name, AttributeProto::INT)
    }
}

/// An attribute.
pub fn ints(name: &str, values: Vec<i64>) -> AttributeProto {
    AttributeProto {
        ints: values,
        ..attribute(name, AttributeProto::INTS)
    }
}

/// An attribute.
pub fn strings(name: &str, values: &[String]) -> AttributeProto {
    AttributeProto {
        strings: values
            .iter()
            .map(|value| value.as_bytes().to_vec())
            .collect(),
        ..attribute(name, AttributeProto::STRINGS)
    }
}

/// An attribute that is a list of doubles.
pub fn double_list(name: &str, values: &[f64]) -> AttributeProto {
    let dims = [values.len() as i64];
    AttributeProto {
        t: Some(TensorProto {
            name: name.to_owned(),
            ..tensor(&dims, TensorProto::DOUBLE, double_bytes(values))
        }),
        ..attribute(name, AttributeProto::TENSOR)
    }
}

/// An attribute that is a list of bytes.
pub fn byte_list(name: &str, values: Vec<u8>) -> AttributeProto {
    let dims = [values.len() as i64];
    AttributeProto {
        t: Some(TensorProto {
            name: name.to_owned(),
            ..tensor(&dims, TensorProto::UINT8, values)
        }),
        ..attribute(name, AttributeProto::TENSOR)
    }
}
