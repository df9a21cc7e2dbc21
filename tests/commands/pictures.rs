//! The pictures of README and docs show the product as it is. This command takes new ones:
//!
//! UPDATE_PICTURES=1 COMMANDS_ENGINE=local cargo test -p commands -- pictures

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anstyle::RgbColor;
use anstyle_svg::Term;
use fantoccini::{Client, Locator, error::CmdError};

use crate::{
    browser::browse,
    engine_choice::path_without,
    harness::{Stack, run},
};

/// The text and layout of each picture when it was taken. A comparison of pictures would depend on fonts.
const SHOWN: &str = "shown.txt";
/// The largest picture in bytes.
const MAX_SIZE: usize = 100_000;
const HANDLER: &str = "crates/api/src/health.rs";
/// The folder of the checkout in the pictures.
const HOME: &str = "/home/ada/slipway";
const TIMEOUT: Duration = Duration::from_mins(1);

/// A picture and its description in [`SHOWN`].
struct Picture {
    file: &'static str,
    content: Vec<u8>,
    shown: String,
}

pub(crate) fn pictures_show_the_current_product(stack: &Stack) {
    // The running stack needs this folder, because it builds after edits.
    let machine = path_without("docker");
    let mut pictures = vec![terminal(stack, machine.path())];
    pictures.extend(browse(async |browser| pages(browser, stack).await));
    assert!(stack.has_person("Ada Lovelace"));
    pictures.extend(browse(async |browser| requests(browser, stack).await));
    run(&mut stack.xtask("down")).succeeded();
    let describe = |it: &Picture| format!("== {}\n{}\n", it.file, without_versions(&it.shown));
    let shown: String = pictures.iter().map(describe).collect();
    if env::var_os("UPDATE_PICTURES").is_some() {
        fs::write(folder().join(SHOWN), &shown).expect("a file");
        for Picture { file, content, .. } in &pictures {
            assert!(content.len() <= MAX_SIZE, "{file} has {} bytes", content.len());
            fs::write(folder().join(file), content).expect("a picture");
        }
    }
    let before = fs::read_to_string(folder().join(SHOWN)).expect("the file");
    let new = shown.lines().filter(|line| !before.contains(line));
    let new: Vec<_> = new.collect();
    assert!(
        before == shown,
        "the pictures in docs/images do not show {new:?}. Take new pictures with the command in {}.",
        file!()
    );
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/images")
}

/// Shows `up` on a machine without Docker, after the first build.
fn terminal(stack: &Stack, programs: &Path) -> Picture {
    run(&mut stack.xtask("down")).succeeded();
    let xtask = stack.xtask("up");
    let mut shell = stack.command("bash");
    // The order of the lines is that of a terminal, because both outputs are the same pipe.
    shell.args(["-c", "\"$@\" 2>&1", "bash"]).arg(xtask.get_program()).args(xtask.get_args());
    shell.envs(xtask.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("PATH", programs).env("ENGINE", "auto");
    let output = run(shell.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1")).succeeded().stdout;
    let output = output
        .replace(&stack.environment["API_PORT"], "5000")
        .replace(&stack.environment["POSTGRES_PORT"], "5432")
        .replace(&*stack.root.to_string_lossy(), HOME);
    // A busy machine also prints which stage is running, and that cargo waits for another cargo.
    let is_shown = |line: &&str| !line.contains('…') && !line.contains("Blocking");
    let lines = output.lines().filter(is_shown);
    let output = ["$ cargo xtask up"].into_iter().chain(lines).collect::<Vec<_>>().join("\n");
    // Removes the escape sequences of the colours.
    let (first, rest) = output.split_once('\x1b').expect("colours");
    let rest = rest.split('\x1b').map(|part| part.split_once('m').map_or("", |(_, text)| text));
    let shown = first.to_owned() + &rest.collect::<String>();
    let terminal = Term::new().fg_color(RgbColor(240, 246, 252).into());
    let terminal = terminal.bg_color(RgbColor(22, 27, 34).into());
    Picture { file: "up.svg", content: terminal.render_svg(&output).into_bytes(), shown }
}

async fn pages(browser: &Client, stack: &Stack) -> Result<Vec<Picture>, CmdError> {
    let mut pictures = Vec::new();
    resize(browser, 1000, 600).await?;
    browser.goto(&stack.url("/")).await?;
    browser.wait().at_most(TIMEOUT).for_element(Locator::Css("#source.live")).await?;
    pictures.push(picture(browser, "landing.png", "main").await?);

    let edit = stack.edit(HANDLER, |text| text.replace("\"live\".to_owned()", "\"live\""));
    browser.wait().at_most(TIMEOUT).for_element(Locator::Css("#source.failed")).await?;
    resize(browser, 1000, 840).await?;
    let root = stack.root.display();
    let rename = format!("it.innerHTML = it.innerHTML.replaceAll('{root}', '{HOME}')");
    let script = format!("const it = document.querySelector('#source pre'); {rename}");
    browser.execute(&script, vec![]).await?;
    pictures.push(picture(browser, "failed.png", "#source p").await?);
    drop(edit);

    browser.goto(&stack.url("/docs")).await?;
    let section = "span:first-child > .opblock-tag-section";
    browser.wait().at_most(TIMEOUT).for_element(Locator::Css(section)).await?;
    let css = format!(".information-container, {section}");
    pictures.push(picture(browser, "docs.png", &css).await?);
    Ok(pictures)
}

/// Shows a request with its queries.
async fn requests(browser: &Client, stack: &Stack) -> Result<Vec<Picture>, CmdError> {
    resize(browser, 1000, 840).await?;
    browser.goto(&stack.url("/dev/requests")).await?;
    let script = "const row = [...document.querySelectorAll('details')]
        .find(it => it.textContent.includes('GET /persons'));
        row.open = true;
        row.parentNode.insertBefore(row, document.querySelector('details'))";
    browser.execute(script, vec![]).await?;
    Ok(vec![picture(browser, "requests.png", "h1, main > p").await?])
}

/// Takes a picture. Its description is the text of the elements `css` and a checksum of the page's styles.
async fn picture(browser: &Client, file: &'static str, css: &str) -> Result<Picture, CmdError> {
    let content = browser.screenshot().await?;
    let script = format!(
        "const all = css => [...document.querySelectorAll(css)];
        const styles = all('style').map(it => it.textContent).join('');
        const sum = [...styles].reduce((sum, c) => (sum * 31 + c.charCodeAt()) % 4294967296, 0);
        return [...all('{css}').map(it => it.innerText), `layout ${{sum}}`].join('\\n')"
    );
    let shown = browser.execute(&script, vec![]).await?;
    Ok(Picture { file, content, shown: shown.as_str().expect("a text").to_owned() })
}

/// Resizes the window so that the page itself has this size.
async fn resize(browser: &Client, width: u32, height: u32) -> Result<(), CmdError> {
    browser.set_window_size(width, height).await?;
    let frame = "return [outerWidth - innerWidth, outerHeight - innerHeight]";
    let frame = browser.execute(frame, vec![]).await?;
    let frame: [u32; 2] = serde_json::from_value(frame).expect("two lengths");
    browser.set_window_size(width + frame[0], height + frame[1]).await
}

/// Replaces versions of programs and durations, which differ between machines.
fn without_versions(text: &str) -> String {
    let is_version = |word: &str| {
        let number = word.trim_matches(|c: char| !c.is_ascii_digit());
        number.contains('.') && number.chars().all(|c| c.is_ascii_digit() || c == '.')
    };
    let words = |line: &str| {
        let words = line.split_whitespace().map(|word| if is_version(word) { "#" } else { word });
        words.collect::<Vec<_>>().join(" ")
    };
    text.lines().map(words).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}
