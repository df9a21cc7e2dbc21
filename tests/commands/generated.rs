//! `cargo xtask new`: a renamed project with resources of every type and option passes all checks.

use crate::harness::{Checkout, Stack, run, target};

/// Resources with every type and option, and with names that are keywords or names of the project.
const RESOURCES: [&str; 13] = [
    "tag name:text(50)!",
    "order type:enum(db,web,rows,self,Self,type,1,2nd,a-b,A+) from:timestamptz to:timestamptz? group:text end:date? \
        desc:text(500)? self:text? limit:enum(low,high) cursor:ref(persons)? caller:ref(accounts)? key:int body:jsonb \
        --search group,self",
    "user email:email! homepage:url? name:text select:bool --search email,homepage,name",
    "copy label:text price:numeric(10,2) share:numeric(3,3)? weight:float opens_at:time closes_at:time? \
        labels:text[] words:text(20)[]? parent:ref(copies)? views:bigint rank:int! --domain library",
    "book title:text isbn:text(20)! summary:text(1000)? status:enum(draft,published) author:ref(persons) \
        tags:many(tags) price:numeric details:jsonb extra:jsonb? published_on:date? batch:uuid! \
        --search title,summary --domain library",
    "note text:text --owned",
    "comment text:text(500) mood:enum(good,bad) --under persons --search text --domain library",
    "remark text:text labels:many(tags) amount:numeric(8,3) --under notes --owned",
    "news headline:text related:many(news)",
    "query value:text option:text? result:float?",
    "role string:text vec:int box:bool page:enum(left,right)",
    "app state:enum(on,off) path:text values:int position:int? user:ref(users)!",
    "price_list_entry all:text and:int case:bool is_done:bool has_stock:bool? books:many(books) tag:ref(tags) \
        tags:many(tags)",
];
/// Fields that are added later.
const FIELDS: [&str; 6] = [
    "tag color:text(20)?!",
    "book pages:int --default 1",
    "book editor:ref(persons)?",
    "person title:text?",
    "note extra:jsonb?",
    "news urgency:enum(low,high) --default low",
];

pub(crate) fn generated_resources_pass_all_checks_in_a_renamed_project(stack: &Stack) {
    let copy = Checkout::new(stack.engine);
    copy.commit();
    // If the project is already renamed, `init` only reports its name.
    run(copy.xtask("init shop").args(["--holder", "Ada Ltd"])).succeeded();
    for resource in RESOURCES {
        run(&mut copy.xtask(&format!("new resource {resource} --no-openapi"))).succeeded();
    }
    let newest = copy.schema_version();
    run(&mut copy.xtask("new resource book title:text")).failed().prints("a table `books` already");
    for field in FIELDS {
        run(&mut copy.xtask(&format!("new field {field} --no-openapi"))).succeeded();
    }
    run(&mut copy.xtask("new resource extra a:text")).succeeded().prints("wrote openapi.json");
    run(&mut copy.xtask("remove resource tag --yes")).failed().prints("refers to `tags`");
    run(&mut copy.xtask("remove resource extra --yes --no-openapi")).succeeded();

    run(&mut copy.cargo("fmt --all --check")).succeeded();
    run(&mut copy.cargo("clippy --workspace --all-targets --locked -- -D warnings")).succeeded();
    let lint = format!("run --quiet --locked --bin migration-lint -- --root . --applied {newest}");
    run(&mut copy.cargo(&lint)).succeeded();
    run(copy.cargo("test --locked").env("TEST_POSTGRES", "local"))
        .succeeded()
        .prints("books::search_matches_each_searched_field ... ok")
        .prints("contract::every_resource_follows_the_contract ... ok");
    check_openapi_file(&copy);
}

/// Uses the binary that the tests have built.
fn check_openapi_file(copy: &Checkout) {
    let openapi = |words: &str| {
        let mut command = copy.xtask(&format!("openapi {words} --binary"));
        run(command.arg(target().join("debug/api")))
    };
    openapi("--check").failed().prints("openapi.json");
    openapi("").succeeded().prints("wrote openapi.json");
    openapi("--check").succeeded();
    let _edit = copy.edit("openapi.json", |text| text.replacen("\"/books\"", "\"/novels\"", 1));
    openapi("--check")
        .failed()
        .prints("GET /novels was removed")
        .prints("POST /novels was removed");
}
