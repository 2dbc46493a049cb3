//! Version, ping, events, CLI.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{Answer, Call, retval_of};
use crate::behaviour::retval;
use crate::cli;

pub(super) fn control_ping<'a>(call: &mut Call<'a>) -> Answer<'a> {
    Answer::Reply(call.reply(0).set("vpe_pid", call.system.pid))
}

pub(super) fn nothing_to_do<'a>(_: &mut Call<'a>) -> Answer<'a> {
    Answer::Retval(0)
}

pub(super) fn show_version<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let system = call.system;
    Answer::Reply(
        call.reply(0)
            .text("program", "vpe")
            .text("version", &system.version)
            .text("build_date", &system.build_date)
            .text("build_directory", &system.build_directory),
    )
}

pub(super) fn api_versions<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let versions: Vec<serde_json::Value> = call
        .system
        .module_versions
        .iter()
        .map(|(name, [major, minor, patch])| {
            let (_, fields) = call
                .reply(0)
                .text("api_versions.name", name)
                .set("api_versions.major", *major)
                .set("api_versions.minor", *minor)
                .set("api_versions.patch", *patch)
                .into_parts();
            fields.get("api_versions").cloned().unwrap_or_default()
        })
        .collect();
    Answer::Reply(call.reply(0).set("count", versions.len()).set("api_versions", versions))
}

pub(super) fn show_vpe_system_time<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64());
    Answer::Reply(call.reply(0).set("vpe_system_time", now))
}

pub(super) fn cli_inband<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let command = call.request.text("cmd");
    let (retval, output) = match cli::run(&command, call.state, call.behaviour, call.system) {
        Ok(output) => (0, output),
        Err(output) => (retval::UNSPECIFIED, output),
    };
    let record = call.reply(retval).text("reply", &output);
    Answer::Reply(record.set("length", output.len()))
}

pub(super) fn get_api_json<'a>(call: &mut Call<'a>) -> Answer<'a> {
    match call.system.definitions.text() {
        Ok(text) => Answer::Reply(call.reply(0).text("json", &text)),
        Err(error) => {
            tracing::error!("the definitions cannot be read any more: {error}");
            Answer::Retval(retval::UNSPECIFIED)
        }
    }
}

pub(super) fn want_interface_events<'a>(call: &mut Call<'a>) -> Answer<'a> {
    let enable = call.request.flag("enable_disable");
    let pid = call.request.number("pid");
    let there = call.subscribers.iter().position(|(client, _)| *client == call.client);
    retval_of(match (enable, there) {
        (true, None) => {
            call.subscribers.push((call.client, pid));
            Ok(())
        }
        (false, Some(position)) => {
            call.subscribers.remove(position);
            Ok(())
        }
        (true, Some(_)) | (false, None) => Err(retval::INVALID_REGISTRATION),
    })
}
