//! The daily cycle: edit, run `up`, look at the result.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use crate::harness::{Engine, Stack, docker_inspect};

pub(crate) fn an_edit_is_served_after_the_next_up(stack: &Stack) {
    let image = || match stack.engine {
        Engine::Docker => {
            docker_inspect(&format!("{}-dev", stack.variable("COMPOSE_PROJECT_NAME")), "{{.Id}}")
        }
        Engine::Local => String::new(),
    };
    let before = image();
    let edit = stack.edit("crates/api/src/landing/page.html", |page| {
        page.replace("<h1>Slipway API</h1>", "<h1>Edited API</h1>")
    });
    stack.up();
    assert!(stack.page("/").contains("<h1>Edited API</h1>"));
    assert_eq!(image(), before, "the image was rebuilt");

    drop(edit);
    stack.up();
    assert!(stack.page("/").contains("<h1>Slipway API</h1>"));
}

pub(crate) fn no_file_of_another_owner_appears_in_the_checkout(stack: &Stack) {
    let owner = fs::metadata(&stack.root).expect("the checkout").uid();
    // PostgreSQL cannot run as root. If root runs the tests, another user owns the database files.
    assert_owner(&stack.root, owner, &stack.root.join(".slipway/postgres"));
}

fn assert_owner(folder: &Path, owner: u32, except: &Path) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let (path, found) = (entry.path(), entry.metadata().expect("its metadata"));
        if path == except {
            continue;
        }
        assert_eq!(found.uid(), owner, "{}", path.display());
        if found.is_dir() {
            assert_owner(&path, owner, except);
        }
    }
}
