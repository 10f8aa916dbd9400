// The little of the DOM that the stand-ins touch; the project has no browser types, on purpose.

export interface DomNode {
  readonly nodeType: number;
  readonly textContent: string | null;
}

export interface DomElement extends DomNode {
  readonly tagName: string;
  readonly children: Iterable<DomElement>;
  readonly childNodes: Iterable<DomNode>;
  readonly parentElement: DomElement | null;
  getAttribute(name: string): string | null;
}

export interface DomBox {
  readonly x: number;
  readonly y: number;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly width: number;
  readonly height: number;
  readonly toJSON: () => object;
}
