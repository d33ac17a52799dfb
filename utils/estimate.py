"""Say what a run would cost on AWS, how long it would take, which limits it would hit, and what to choose.

Nothing is deployed, started or called: the figures come from the synthesized definitions and from
utils/prices_and_quotas.json. Run it from the project's root, or from this folder:
``python utils/estimate.py``.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT_ROOT))

from utils.packages import begin_command  # noqa: E402

begin_command(__name__, "matplotlib", "simpy")

from stacks.config import Config, ConfigError, load_config  # noqa: E402
from utils.command import CommandError, run_command  # noqa: E402
from utils.forecast.arguments import parse_arguments  # noqa: E402
from utils.forecast.assembly import load_templates  # noqa: E402
from utils.forecast.forecast import Terms, forecast  # noqa: E402
from utils.forecast.list_work import measure_list  # noqa: E402
from utils.forecast.mode import Mode  # noqa: E402
from utils.forecast.modes import Overrides, read_modes  # noqa: E402
from utils.forecast.recommend import recommend  # noqa: E402
from utils.forecast.settings_file import write_settings  # noqa: E402
from utils.forecast.table import forecast_json, forecast_lines, recommendation_lines  # noqa: E402
from utils.forecast.work import Work  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = parse_arguments(arguments)
    if options.plot:
        from utils.watch.picture import check_svg_target  # noqa: PLC0415 - it takes the time of what it draws

        check_svg_target(options.plot)
    config = _load(options.config)
    work = read_work(options, config)
    modes = _modes(options, config)
    terms = Terms(options.region, options.charge)
    rows = forecast(modes, work, terms)
    recommendation = recommend(rows, work, terms)
    if options.machine:
        print(json.dumps(forecast_json(rows, recommendation), indent=2))
    else:
        from utils.watch.render import open_console  # noqa: PLC0415 - machines need no table

        console = open_console()
        for line in (*forecast_lines(rows, recommendation), *recommendation_lines(recommendation)):
            console.print(line, soft_wrap=True, markup=False)
    if options.plot:
        from utils.forecast.plot import write_plot  # noqa: PLC0415 - it takes the time of matplotlib

        _tell("drawing: each point is a simulation, which takes some seconds …")
        write_plot(options.plot, modes, work, terms)
        _tell(f"wrote {options.plot}")
    if options.write_config:
        if recommendation is None:
            raise CommandError(f"{options.config} is left as it is: no mode can take this work")
        for line in write_settings(options.config, config, recommendation):
            _tell(line)
    return 0


def read_work(options: argparse.Namespace, config: Config) -> Work:
    """Make the work of the options, and of the list where one is given."""
    marked = 1.0 if options.task_token else 0.0
    work = Work(
        items=options.items or 1,
        item_bytes=options.item_bytes,
        result_bytes=options.result_bytes,
        seconds=options.duration_ms / 1000,
        spread=options.spread,
        failure_rate=options.failure_rate,
        throttled_share=marked,
        needs_token=options.task_token,
    )
    if options.list:
        sizes = measure_list(options.list, config.throttledMap.throttledField)
        work = replace(
            work,
            items=sizes.items,
            item_bytes=sizes.item_bytes,
            largest_item_bytes=sizes.largest_bytes,
            throttled_share=marked or sizes.marked_share,
        )
    if options.throttled_share is not None:
        work = replace(work, throttled_share=options.throttled_share)
    return work


def _modes(options: argparse.Namespace, config: Config) -> list[Mode]:
    overrides = Overrides(options.wait_s, options.max_concurrency, options.memory_mb, options.child_type)
    modes = read_modes(load_templates(options.config, _tell), config, overrides)
    if options.logs is None:
        return modes
    return [replace(mode, logs_all=options.logs == "ALL") for mode in modes]


def _load(path: Path) -> Config:
    try:
        return load_config(path)
    except ConfigError as error:
        raise CommandError(*error.lines) from error


def _tell(line: str) -> None:
    if sys.stderr is not None:  # else it would be in what machines read
        print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    run_command(main)
