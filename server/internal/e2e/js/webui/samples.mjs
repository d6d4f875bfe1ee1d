// Files that the tests upload.

/** A picture, 80 pixels wide. */
export const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAFAAAAA8CAIAAAB+RarbAAAAYElEQVR4nO3PAQkAIBDAQJOYydjGMoawP1iA3bpnj2p9PwAGBgYGBgYeE3A94HrA9YDrAdcDrgdcD7gecD3gesD1gOsB1wOuB1wPuB5wPeB6wPWA6wHXA64HXA+4HnC9B/h9tctyZAc8AAAAAElFTkSuQmCC",
  "base64",
);

/** A text. */
export const notes = Buffer.from("Some notes\n");
