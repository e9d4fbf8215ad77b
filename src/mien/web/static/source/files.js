// Pictures and videos that somebody chooses, drops or pastes.

/** Calls `take` with an array of files. */
export function listenForFiles(input, drop, take) {
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = ""; // choosing the same file again is a change, too
  });
  const over = (isOver) => (event) => {
    event.preventDefault(); // else the browser would open the file
    drop.classList.toggle("is-over", isOver);
  };
  document.addEventListener("dragover", over(true));
  document.addEventListener("dragleave", over(false));
  document.addEventListener("drop", (event) => {
    over(false)(event);
    take([...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) take([...event.clipboardData.files]);
  });
}
