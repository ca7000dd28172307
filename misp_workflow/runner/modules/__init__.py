"""The nodes: logic, the own actions of MISP, Python modules and the server that they are asked of."""
