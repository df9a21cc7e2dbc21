//! Operations behind one type, so that what serves them is compiled here, once, and not with every resource.

use std::{collections::HashMap, sync::OnceLock};

use poem::{endpoint::BoxEndpoint, http::Method};
use poem_openapi::{
    OpenApi,
    registry::{MetaApi, Registry},
};

/// What poem-openapi collects: by path, then by method.
type Routes = HashMap<String, HashMap<Method, BoxEndpoint<'static>>>;

/// What the document holds of each API. poem-openapi asks the type, so there is one list a process.
static DOCUMENTED: OnceLock<Vec<Documented>> = OnceLock::new();

#[derive(Clone, Copy)]
struct Documented {
    meta: fn() -> Vec<MetaApi>,
    register: fn(&mut Registry),
}

/// The operations of one `#[OpenApi]` type.
pub struct Api {
    documented: Documented,
    add_routes: Box<dyn FnOnce(&mut Routes)>,
}

impl Api {
    /// Those of `api`.
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
