//! The macro that makes everything of a row of the table.

macro_rules! models {
    ($(
        $(#[$doc:meta])*
        $variant:ident($message:ty): $spec:expr, $name:expr, $rules:expr;
    )*) => {
        /// A value of any model. Boxed, so that a million routes do not take the room of as many interfaces.
        #[derive(Debug, Clone, PartialEq)]
        pub enum ModelValue {
            $($(#[$doc])* $variant(Box<$message>),)*
        }

        $(
            impl ModelMessage for $message {
                const SPEC: Spec = $spec;
                const NAME: Option<InstanceName<Self>> = $name;

                fn validate(&self) -> Vec<FieldProblem> {
                    validate::all(self, $rules)
                }
            }

            impl From<$message> for ModelValue {
                fn from(value: $message) -> Self {
                    Self::$variant(Box::new(value))
                }
            }

            impl TryFrom<ModelValue> for $message {
                type Error = WrongModel;

                fn try_from(value: ModelValue) -> Result<Self, WrongModel> {
                    match value {
                        ModelValue::$variant(value) => Ok(*value),
                        other => Err(WrongModel {
                            key: other.key(),
                            expected: <$message>::SPEC.model_name(),
                            found: other.spec().model_name(),
                        }),
                    }
                }
            }
        )*

        impl ModelValue {
            /// Identity of the value's model.
            pub fn spec(&self) -> Spec {
                match self { $(Self::$variant(_) => <$message>::SPEC,)* }
            }

            /// Gives the value in its own type to the visitor.
            pub fn visit<V: ModelVisitor>(self, visitor: V) -> V::Output {
                match self { $(Self::$variant(value) => visitor.visit(*value),)* }
            }

            /// The key of the value; see [`ModelMessage::key`].
            pub fn key(&self) -> String {
                match self { $(Self::$variant(value) => value.key(),)* }
            }

            /// Every rule of its model that the value breaks; see [`ModelMessage::validate`].
            pub fn validate(&self) -> Vec<FieldProblem> {
                match self { $(Self::$variant(value) => value.validate(),)* }
            }

            /// The value as a message of any model.
            fn message(&self) -> &dyn AnyMessage {
                match self { $(Self::$variant(value) => value.as_ref(),)* }
            }
        }

        impl Registry {
            /// The registry of all models of this crate.
            ///
            /// # Errors
            /// A row of the table breaks a rule: a mistake in this crate, which its tests show.
            pub fn builtin() -> Result<Self, RegistryError> {
                let mut registry = Self::default();
                $(registry.register(Model::of::<$message>())?;)*
                Ok(registry)
            }
        }
    };
}

pub(super) use models;
