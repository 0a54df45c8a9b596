/** Names the module that this JavaScript was built with. The build puts it here, and into the module. */
declare const STAMP: string
