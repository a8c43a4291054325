"""`lowdiff up` and `lowdiff down`."""

from lowdiff.cli.output import AsJson, emit, messages, say


def up(as_json: AsJson = False) -> None:
    """Start Prefect and Label Studio on free local ports and wait until both answer.

    What runs already is left alone. The first start takes about a minute.

    Example: `lowdiff up && lowdiff label open`
    """
    from lowdiff.ops import services
    from lowdiff.ops.project import open_project
    from lowdiff.ops.secrets import label_studio_login, login_file

    with open_project() as project, messages.status("starting Prefect and Label Studio …"):
        processes = services.up(project.settings, project.workspace, say=say)
    for process in processes:
        emit(
            {"service": process.name, "url": process.url, "pid": process.pid, "log": process.log},
            as_json=as_json,
            text=f"{process.name:<13} {process.url}",
        )
    login = label_studio_login(project.workspace)
    # a terminal is a person; anything else may be a log
    where = f"in {login_file(project.workspace)}"
    password = login.password if messages.is_terminal else where
    say(f"Label Studio login: {login.username}, password: {password}")


def down(as_json: AsJson = False) -> None:
    """Stop this workspace's Prefect and Label Studio; their data stays.

    Example: `lowdiff down`
    """
    from lowdiff.ops import services
    from lowdiff.ops.project import open_project

    with open_project() as project:
        stopped = services.down(project.workspace)
    for name, ran in stopped.items():
        text = f"{name} stopped" if ran else f"{name} did not run"
        emit({"service": name, "stopped": ran}, as_json=as_json, text=text)
