// Uppy's texts, where they differ from its own.

// Touch screens cannot drop files.
const HAS_POINTER = typeof matchMedia === "function" && matchMedia("(hover: hover)").matches;

export const UPPY_LOCALE = {
  pluralize: (count: number) => (count === 1 ? 0 : 1),
  strings: {
    dropPasteFiles: HAS_POINTER ? "Drop videos here, or %{browseFiles}" : "%{browseFiles}",
    browseFiles: "Choose videos",
    addMore: "Add more",
    addingMoreFiles: "Adding more videos",
    cancelUpload: "Cancel upload",
    removeFile: "Cancel and remove %{file}",
    pauseUpload: "Pause",
    resumeUpload: "Resume",
    retryUpload: "Try again",
    pause: "Pause",
    resume: "Resume",
    retry: "Try again",
    uploadFailed: "Not sent yet",
    complete: "Sent",
    noInternetConnection: "You are offline. Uploads continue when the connection is back.",
    connectedToInternet: "You are back online.",
    failedToUpload: "%{file} could not be sent yet",
    youCanOnlyUploadFileTypes: "Only videos can be uploaded",
    inferiorSize: "This file is empty",
    noDuplicates: "“%{fileName}” is already being sent",
  },
};
