//! Facts about the VPP that do not change while it runs.

use binapi_gen::model::{Api, TypeKind};

use crate::definitions::Definitions;

/// What VPP tells about itself.
#[derive(Clone, Debug)]
pub(crate) struct System {
    pub(crate) pid: u32,
    pub(crate) version: String,
    pub(crate) build_date: String,
    pub(crate) build_directory: String,
    /// Modules with their versions, as `api_versions` lists them.
    pub(crate) module_versions: Vec<(String, [u32; 3])>,
    /// Number of a hardware interface's type.
    pub(crate) type_hardware: u64,
    /// Number of a sub-interface's type.
    pub(crate) type_sub: u64,
    /// What it tells of its own API.
    pub(crate) definitions: Definitions,
}

impl System {
    pub(crate) fn new(api: &Api, lists_versions: bool, pid: u32, definitions: Definitions) -> Self {
        let member = |name: &str| {
            api.modules
                .values()
                .flat_map(|module| &module.types)
                .filter(|ty| ty.name == "if_type")
                .find_map(|ty| match &ty.kind {
                    TypeKind::Enum { members, .. } => {
                        members.iter().find(|(member, _)| member == name).map(|(_, value)| *value)
                    }
                    _ => None,
                })
                .unwrap_or(0)
        };
        let versions = api.modules.values().filter(|_| lists_versions).map(|module| {
            let text = module.options.get("version").and_then(|v| v.as_str()).unwrap_or("1.0.0");
            let mut numbers = text.split('.').map(|n| n.parse().unwrap_or(0));
            let mut next = || numbers.next().unwrap_or(0);
            (format!("{}.api", module.name), [next(), next(), next()])
        });
        Self {
            pid,
            version: format!("{}-release", api.release),
            build_date: "2026-01-01T00:00:00".to_string(),
            build_directory: "/simulated/vpp".to_string(),
            module_versions: versions.collect(),
            type_hardware: member("IF_API_TYPE_HARDWARE"),
            type_sub: member("IF_API_TYPE_SUB"),
            definitions,
        }
    }
}
