"""How the configuration is read: as Kedro does, with globals that `--params` may set for one run."""

from pathlib import Path
from typing import Any, cast

from kedro.config import OmegaConfigLoader
from omegaconf import OmegaConf


class ConfigLoader(OmegaConfigLoader):
    """Kedro's loader, except that globals are merged before they are resolved, `--params` last.

    Kedro resolves each environment's `globals.yml` on its own and lets nothing on the command line in. Here
    `--params data_root=/elsewhere`, or an environment that sets `data_root` alone, moves every folder that is named below it.
    """

    def __getitem__(self, key: str) -> Any:
        """The configuration of a kind, such as `parameters`, `catalog` or `globals`."""
        found = super().__getitem__(key)  # of `globals`, Kedro's errors about the files too
        return found if key != "globals" else self._merged_globals()

    def _merged_globals(self) -> dict[str, Any]:
        folders = (self.base_env, self.env or self.default_run_env)
        files = [file for folder in folders if (file := Path(self.conf_source) / folder / "globals.yml").is_file()]
        merged = OmegaConf.merge(*map(OmegaConf.load, files))
        given = {str(name): value for name, value in (self.runtime_params or {}).items() if name in merged}
        resolved = OmegaConf.to_container(OmegaConf.merge(merged, given), resolve=True)
        return {str(name): _at_home(value) for name, value in dict(cast("Any", resolved)).items()}


def _at_home(value: Any) -> Any:
    """A path below the user's folder, which no shell writes out behind `--params data_root=`."""
    return str(Path.home() / value[2:]) if isinstance(value, str) and value.startswith("~/") else value
