// What Uppy says, in our words; what is not here stays as it is.

// Fingers cannot drop files.
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
    resumeUpload: "Go on",
    retryUpload: "Try again",
    pause: "Pause",
    resume: "Go on",
    retry: "Try again",
    uploadFailed: "Not sent yet",
    complete: "Sent",
    noInternetConnection: "The line is down. Uploads go on by themselves when it is back.",
    connectedToInternet: "The line is back.",
    failedToUpload: "%{file} could not be sent yet",
    youCanOnlyUploadFileTypes: "Only videos can be uploaded",
    inferiorSize: "This file is empty",
    noDuplicates: "“%{fileName}” is already being sent",
  },
};
