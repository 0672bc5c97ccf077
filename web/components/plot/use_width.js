/** A hook that measures how wide an element is, and measures again when it changes. */

import { useLayoutEffect, useRef, useState } from "../../vendor/ui.js";

/** @returns {[{current: any}, number]} the reference of the element, and its width in pixels */
export function useWidth() {
  const element = useRef(/** @type {any} */ (null));
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)));
    if (element.current) observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return [element, width];
}
