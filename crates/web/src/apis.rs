//! Groups of operations behind one type, so that the code that serves them is compiled once, in this crate.

use std::{collections::HashMap, sync::OnceLock};

use poem::{endpoint::BoxEndpoint, http::Method};
use poem_openapi::{
    OpenApi,
    registry::{MetaApi, Registry},
};

/// The routes that poem-openapi collects: by path, then by method.
type Routes = HashMap<String, HashMap<Method, BoxEndpoint<'static>>>;

/// The metadata of each group. The list is global, because poem-openapi gets metadata from a type and not from a value.
static DOCUMENTED: OnceLock<Vec<Documented>> = OnceLock::new();

#[derive(Clone, Copy)]
struct Documented {
    meta: fn() -> Vec<MetaApi>,
    register: fn(&mut Registry),
}

/// The operations of an `#[OpenApi]` type.
pub struct Api {
    documented: Documented,
    add_routes: Box<dyn FnOnce(&mut Routes)>,
}

impl Api {
    /// Creates a group with the operations of `api`.
    pub fn new<T: OpenApi + 'static>(api: T) -> Self {
        let documented = Documented { meta: T::meta, register: T::register };
        Self { documented, add_routes: Box::new(|routes| api.add_routes(routes)) }
    }
}

pub(crate) struct Apis(Vec<Api>);

impl Apis {
    pub(crate) fn new(apis: Vec<Api>) -> Self {
        DOCUMENTED.get_or_init(|| apis.iter().map(|api| api.documented).collect());
        Self(apis)
    }
}

fn documented() -> impl Iterator<Item = &'static Documented> {
    DOCUMENTED.get().into_iter().flatten()
}

impl OpenApi for Apis {
    fn meta() -> Vec<MetaApi> {
        documented().flat_map(|api| (api.meta)()).collect()
    }

    fn register(registry: &mut Registry) {
        documented().for_each(|api| (api.register)(registry));
    }

    fn add_routes(self, routes: &mut Routes) {
        self.0.into_iter().for_each(|api| (api.add_routes)(routes));
    }
}
