"""The methods of the client that upload, find, show and delete datasets."""

import io
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Unpack, cast

from stackyard.client.notebook_values import DataFrame, encode_frame
from stackyard.client.references import MAX_CANDIDATES, is_complete_id, iterate_matches, select_single_match
from stackyard.client.request_encoding import CsvOptions, build_dataset_route, infer_media_type, iterate_chunks
from stackyard.client.transport import Query, Transport, parse_json_object, parse_view
from stackyard.client.views import Dataset, Json


class DatasetMethods:
    """The datasets of a server. `Client` has these methods."""

    _transport: Transport

    def upload(
        self,
        source: str | os.PathLike[str] | BinaryIO | DataFrame,
        name: str,
        media_type: str | None = None,
        **csv_options: Unpack[CsvOptions],
    ) -> Dataset:
        """Upload a file as the newest version of a dataset. Identical bytes do not make a new version.

        Args:
            source: a path, a file that is open for reading bytes, or a pandas data frame. The index of a data frame
                is left out.
            name: the dataset's name in specs.
            media_type: by default inferred from the path's suffix (`.csv`, `.csv.gz`, `.tsv`, `.parquet`, `.npz`). A
                data frame is sent as Parquet, or as CSV where no library writes Parquet.
            csv_options: the format of a CSV file, as in `CsvOptions`. The server detects what is not given.

        Raises:
            ValueError: no media type is given, and the suffix does not imply one.
            OSError: the file cannot be read.

        """
        if isinstance(source, DataFrame):
            content, media_type = encode_frame(source, media_type)
            return self.upload(io.BytesIO(content), name, media_type, **csv_options)
        if isinstance(source, str | os.PathLike):
            with Path(source).open("rb") as file:
                return self.upload(file, name, media_type or infer_media_type(Path(source)), **csv_options)
        if media_type is None:
            media_type = infer_media_type(Path(str(getattr(source, "name", ""))))
        answer = self._transport.send_request(
            "POST",
            "/v1/datasets",
            query=cast("Query", {"name": name, **csv_options}),
            content=iterate_chunks(source),
            media_type=media_type,
        )
        return parse_view(Dataset, answer)

    def datasets(self, *, limit: int = 100, **filters: str | int | None) -> Iterator[Dataset]:
        """Iterate over the datasets, newest first. They are fetched in pages of `limit`.

        Args:
            limit: the number of datasets in a page.
            filters: parameters of the route: `name`, `id_prefix`, `project`, and `owner`, which is `me` for your own.

        """
        return self._transport.iterate_items(Dataset, "/v1/datasets", {**filters, "limit": limit})

    def dataset(self, dataset_id: str) -> Dataset:
        """Return one version of a dataset."""
        return parse_view(Dataset, self._transport.send_request("GET", build_dataset_route(dataset_id)))

    def find_dataset(self, reference: str) -> Dataset:
        """Return the dataset with this id, with an id that starts so, or the newest version of this name.

        Raises:
            NoSingleMatchError: there is no such dataset, or several ids start so.

        """
        if is_complete_id(reference):
            return self.dataset(reference)
        match = select_single_match(
            "dataset",
            reference,
            iterate_matches(
                reference,
                lambda name: islice(self.datasets(name=name, limit=1), 1),
                lambda prefix: self.datasets(id_prefix=prefix, limit=MAX_CANDIDATES),
            ),
            lambda dataset: f"{dataset.name} version {dataset.version}",
        )
        return self.dataset(match.id)

    def delete_dataset(self, dataset_id: str) -> None:
        """Delete one version of a dataset."""
        self._transport.send_request("DELETE", build_dataset_route(dataset_id))

    def dataset_statistics(self, dataset: str) -> Json:
        """Return histograms, most frequent values and moments of the columns or arrays of a dataset.

        The answer has a list `columns` or `arrays`, in the order of the file. Both are None for a file that an earlier
        release of the server received; then `message` says how to compute them.

        Args:
            dataset: the dataset's id, or its name for the newest version.

        Raises:
            ProblemError: there is no such dataset.

        """
        route = f"{build_dataset_route(dataset)}/statistics"
        return parse_json_object(self._transport.send_request("GET", route))

    def preview_dataset(self, dataset: str, *, rows: int = 20) -> Json:
        """Return the first rows of a table, or the first items of each array of a dataset.

        For a table, the answer has `columns`, the names, `rows`, a list of values for each row, and `total_rows`. For
        arrays, it has `arrays`, each with its `name`, `type`, `shape` and `items`.

        Args:
            dataset: the dataset's id, or its name for the newest version.
            rows: the largest number of rows, from 1 to 100.

        Raises:
            ProblemError: there is no such dataset, or its rows cannot be read.

        """
        route = f"{build_dataset_route(dataset)}/preview"
        return parse_json_object(self._transport.send_request("GET", route, query={"rows": rows}))

    def propose(self, dataset: str, target: str, *, task: str | None = None) -> Json:
        """Propose a small spec that predicts a column or an array of a dataset.

        The answer has the `task`, a `spec` to submit or to edit, the `baseline` that its network has to beat, and
        `notes` on what the proposal leaves out.

        Args:
            dataset: the dataset's id, or its name for the newest version.
            target: the column or the array to predict.
            task: `classification` or `regression`; by default the target decides.

        Raises:
            ProblemError: there is no such dataset or target, or no network can learn the target.

        """
        query: Query = {"target": target, "task": task}
        return parse_json_object(
            self._transport.send_request("GET", f"{build_dataset_route(dataset)}/proposal", query=query)
        )
