given("of-rgb_dense__savemem_10",{"outcomes":"211211212121212112241212","labels":null});
