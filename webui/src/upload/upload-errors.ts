// Errors of this tab's uploads, shown with what to do until they are resolved.

import type Uppy from "@uppy/core";
import type { Body } from "@uppy/core";

import { Store } from "../ui/store";
import type { OwnMeta } from "./sending";

export interface UploadError {
  /** Uppy's id of the file; our own id for a file that was not accepted. */
  id: string;
  title: string;
  sentence: string;
  /** Whether Uppy has the file, so that it can be retried. */
  isAccepted: boolean;
}

export class UploadErrors extends Store<readonly UploadError[]> {
  constructor(uppy: Pick<Uppy<OwnMeta, Body>, "on">) {
    super([]);
    uppy.on("restriction-failed", (file, error) => {
      const title = file?.name ?? "This file";
      this.put({ id: `not accepted: ${title}`, title, sentence: `${error.message}.`, isAccepted: false });
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
