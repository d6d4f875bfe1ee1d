import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

interface Props {
  label: string;
  class?: string;
  testId?: string;
  /** Called on Esc and on a click outside the dialog. Without it the dialog stays until it is answered. */
  onClose?: () => void;
  children: ComponentChildren;
}

/** A modal dialog. The browser keeps the focus inside and restores it afterwards. */
export function Dialog({ label, class: className, testId, onClose, children }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const dialog = ref.current!;
    dialog.showModal();
    return () => dialog.close();
  }, []);
  return (
    <dialog
      ref={ref}
      class={className ?? "dialog"}
      aria-label={label}
      data-testid={testId}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      onClose={() => {
        // A second Esc always closes a dialog; one that has to be answered is opened again.
        if (!onClose) ref.current?.showModal();
        else if (ref.current) onClose();
      }}
      onClick={(event) => {
        if (event.target === ref.current) onClose?.();
      }}
    >
      {children}
    </dialog>
  );
}
