// What stands in the way of files that this tab was to send: said until it is settled, with what can be done.

import type Uppy from "@uppy/core";
import type { Body } from "@uppy/core";

import { Store } from "../ui/store";
import type { OwnMeta } from "./sending";

export interface UploadError {
  /** The file at Uppy; a name of our own for one that was not taken. */
  id: string;
  title: string;
  sentence: string;
  /** Whether the file is there and may be tried again. */
  isTaken: boolean;
}

export class UploadErrors extends Store<readonly UploadError[]> {
  constructor(uppy: Pick<Uppy<OwnMeta, Body>, "on">) {
    super([]);
    uppy.on("restriction-failed", (file, error) => {
      const title = file?.name ?? "This file";
      this.put({ id: `not taken: ${title}`, title, sentence: `${error.message}.`, isTaken: false });
    });
    uppy.on("file-removed", (file) => this.drop(file.id));
    uppy.on("upload-retry", (file) => this.drop(file.id));
  }

  put(error: UploadError): void {
    this.set([...this.value.filter(({ id }) => id !== error.id), error]);
  }

  drop(id: string): void {
    if (this.value.some((one) => one.id === id)) this.set(this.value.filter((one) => one.id !== id));
  }
}
