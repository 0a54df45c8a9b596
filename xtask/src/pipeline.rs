//! The order of the build.

use crate::project::Project;
use crate::toolchain::Toolchain;
use crate::wasm::Form;
use crate::{collector, package, wasm, www};
use anyhow::Result;

/// Builds all there is to run. Gives the form of the module.
pub fn everything(project: &Project, form: Form) -> Result<Form> {
    let form = package(project, form)?;
    demo_parts(project)?;
    Ok(form)
}

/// Builds the module and the npm package. Gives the form of the module.
pub fn package(project: &Project, form: Form) -> Result<Form> {
    let toolchain = Toolchain::for_wasm(project)?;
    let form = wasm::build(project, &toolchain, form)?;
    package::build(project)?;
    Ok(form)
}

/// Builds the demo page and the collector. The package must be there.
pub fn demo_parts(project: &Project) -> Result<()> {
    www::build(project)?;
    collector::build(project)
}
