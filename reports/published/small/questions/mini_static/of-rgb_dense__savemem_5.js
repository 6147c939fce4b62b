given("of-rgb_dense__savemem_5",{"outcomes":"211211212121212112241212","labels":null});
