//! Descriptors without their types.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::descriptor::{Believed, Dependency, Descriptor, Failure, Invalid};
use crate::metadata::{AnyMetadata, MetadataMap};
use crate::state::Origin;
use crate::value::{AnyValue, Key, KeyValue};

/// What a value needs and what follows from it: computed once per value.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    pub(crate) needs: Vec<Dependency>,
    pub(crate) derived: Vec<KeyValue>,
}

/// A value as it was read back.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) key: Key,
    pub(crate) value: AnyValue,
    pub(crate) metadata: AnyMetadata,
    pub(crate) origin: Origin,
}

/// A [`Descriptor`] whose types are checked at run time.
#[async_trait]
pub(crate) trait Erased: Send + Sync {
    fn name(&self) -> &str;
    fn owns(&self, key: &str) -> bool;
    fn retrieve_after(&self) -> Vec<String>;
    fn examples(&self) -> Vec<KeyValue>;
    fn properties(&self) -> Vec<String>;
    fn validate(&self, key: &str, value: &AnyValue) -> Result<(), Invalid>;
    fn equivalent(&self, key: &str, old: &AnyValue, new: &AnyValue) -> bool;
    fn recreate(&self, key: &str, old: &AnyValue, new: &AnyValue) -> bool;
    fn is_shown(&self, key: &str, value: &AnyValue) -> bool;
    fn shape(&self, key: &str, value: &AnyValue) -> Shape;
    /// Metadata for people.
    fn show(&self, metadata: &AnyMetadata) -> Option<String>;
    async fn create(&self, key: &str, value: &AnyValue) -> Result<AnyMetadata, Failure>;
    async fn update(
        &self,
        key: &str,
        old: &AnyValue,
        new: &AnyValue,
        metadata: Option<AnyMetadata>,
    ) -> Result<AnyMetadata, Failure>;
    async fn delete(&self, key: &str, value: &AnyValue, metadata: Option<AnyMetadata>)
    -> Result<(), Failure>;
    async fn retrieve(&self, correlate: &[KeyValue]) -> Result<Option<Vec<Seen>>, Failure>;

    /// Puts the metadata of a value into the shared map.
    fn index(&self, key: &str, metadata: &AnyMetadata);
    /// Takes the metadata of a value out of the shared map.
    fn unindex(&self, key: &str);
    /// Replaces the whole content of the shared map.
    fn reindex(&self, all: &[(Key, AnyMetadata)]);
    /// The content of the shared map, to be given back to [`restore`](Self::restore).
    fn save(&self) -> Box<dyn Any + Send>;
    fn restore(&self, saved: Box<dyn Any + Send>);
}

pub(crate) struct Adapter<D: Descriptor> {
    pub(crate) descriptor: D,
    pub(crate) map: MetadataMap<D::Metadata>,
}

impl<D: Descriptor> Adapter<D> {
    /// Metadata without content is not kept: of most values there is none.
    const TELLS_NOTHING: bool = size_of::<D::Metadata>() == 0;

    fn typed<'a>(&self, key: &str, value: &'a AnyValue) -> Result<&'a D::Value, Failure> {
        value.downcast_ref::<D::Value>().ok_or_else(|| Failure::permanent(self.mismatch(key)))
    }

    fn mismatch(&self, key: &str) -> String {
        format!(
            "the value of {key} is not of the type {} that descriptor {} expects",
            std::any::type_name::<D::Value>(),
            self.descriptor.name()
        )
    }

    fn metadata<'a>(&self, key: &str, metadata: &'a Option<AnyMetadata>) -> Result<&'a D::Metadata, Failure> {
        // A derived value that is known only through its base was read back without metadata; that is enough for
        // the many that have none.
        let known: &'a (dyn Any + Send + Sync) = match metadata {
            Some(metadata) => metadata.as_ref(),
            None => &(),
        };
        known.downcast_ref::<D::Metadata>().ok_or_else(|| {
            Failure::permanent(format!(
                "the metadata of {key} is not known: descriptor {} did not read it back",
                self.descriptor.name()
            ))
        })
    }
}

#[async_trait]
impl<D: Descriptor> Erased for Adapter<D> {
    fn name(&self) -> &str {
        self.descriptor.name()
    }

    fn owns(&self, key: &str) -> bool {
        self.descriptor.owns(key)
    }

    fn retrieve_after(&self) -> Vec<String> {
        self.descriptor.retrieve_after()
    }

    fn examples(&self) -> Vec<KeyValue> {
        let examples = self.descriptor.examples().into_iter();
        examples.map(|(key, value)| KeyValue { key: key.into(), value: Arc::new(value) }).collect()
    }

    fn properties(&self) -> Vec<String> {
        self.descriptor.properties()
    }

    fn show(&self, metadata: &AnyMetadata) -> Option<String> {
        if Self::TELLS_NOTHING {
            return None;
        }
        metadata.downcast_ref::<D::Metadata>().map(|metadata| format!("{metadata:?}"))
    }

    fn validate(&self, key: &str, value: &AnyValue) -> Result<(), Invalid> {
        match value.downcast_ref::<D::Value>() {
            Some(value) => self.descriptor.validate(key, value),
            None => Err(Invalid { fields: Vec::new(), reason: self.mismatch(key) }),
        }
    }

    fn equivalent(&self, key: &str, old: &AnyValue, new: &AnyValue) -> bool {
        match (old.downcast_ref(), new.downcast_ref()) {
            (Some(old), Some(new)) => self.descriptor.equivalent(key, old, new),
            _ => false,
        }
    }

    fn is_shown(&self, key: &str, value: &AnyValue) -> bool {
        value.downcast_ref().is_none_or(|value| self.descriptor.is_shown(key, value))
    }

    fn recreate(&self, key: &str, old: &AnyValue, new: &AnyValue) -> bool {
        match (old.downcast_ref(), new.downcast_ref()) {
            (Some(old), Some(new)) => self.descriptor.recreate(key, old, new),
            _ => true,
        }
    }

    fn shape(&self, key: &str, value: &AnyValue) -> Shape {
        match value.downcast_ref::<D::Value>() {
            Some(value) => Shape {
                needs: self.descriptor.dependencies(key, value),
                derived: self.descriptor.derived(key, value),
            },
            None => Shape::default(),
        }
    }

    async fn create(&self, key: &str, value: &AnyValue) -> Result<AnyMetadata, Failure> {
        let metadata = self.descriptor.create(key, self.typed(key, value)?).await?;
        Ok(Arc::new(metadata))
    }

    async fn update(
        &self,
        key: &str,
        old: &AnyValue,
        new: &AnyValue,
        metadata: Option<AnyMetadata>,
    ) -> Result<AnyMetadata, Failure> {
        let metadata = self.metadata(key, &metadata)?;
        let updated =
            self.descriptor.update(key, self.typed(key, old)?, self.typed(key, new)?, metadata).await?;
        Ok(Arc::new(updated))
    }

    async fn delete(
        &self,
        key: &str,
        value: &AnyValue,
        metadata: Option<AnyMetadata>,
    ) -> Result<(), Failure> {
        let metadata = self.metadata(key, &metadata)?;
        self.descriptor.delete(key, self.typed(key, value)?, metadata).await
    }

    async fn retrieve(&self, correlate: &[KeyValue]) -> Result<Option<Vec<Seen>>, Failure> {
        let believed: Vec<_> = correlate
            .iter()
            .filter_map(|kv| {
                kv.value.downcast_ref::<D::Value>().map(|value| Believed { key: &kv.key, value })
            })
            .collect();
        let found = self.descriptor.retrieve(&believed).await?;
        Ok(found.map(|found| {
            found
                .into_iter()
                .map(|seen| Seen {
                    key: seen.key.into(),
                    value: Arc::new(seen.value),
                    metadata: Arc::new(seen.metadata),
                    origin: seen.origin,
                })
                .collect()
        }))
    }

    fn index(&self, key: &str, metadata: &AnyMetadata) {
        if Self::TELLS_NOTHING {
            return;
        }
        if let Some(metadata) = metadata.downcast_ref::<D::Metadata>() {
            self.map.set(self.descriptor.label(key), metadata.clone());
        }
    }

    fn unindex(&self, key: &str) {
        if Self::TELLS_NOTHING {
            return;
        }
        self.map.unset(&self.descriptor.label(key));
    }

    fn reindex(&self, all: &[(Key, AnyMetadata)]) {
        if Self::TELLS_NOTHING {
            return;
        }
        let entries = all
            .iter()
            .filter_map(|(key, metadata)| {
                let metadata = metadata.downcast_ref::<D::Metadata>()?;
                Some((self.descriptor.label(key), metadata.clone()))
            })
            .collect();
        self.map.replace(entries);
    }

    fn save(&self) -> Box<dyn Any + Send> {
        Box::new(self.map.snapshot())
    }

    fn restore(&self, saved: Box<dyn Any + Send>) {
        if let Ok(entries) = saved.downcast::<BTreeMap<String, D::Metadata>>() {
            self.map.replace(*entries);
        }
    }
}
