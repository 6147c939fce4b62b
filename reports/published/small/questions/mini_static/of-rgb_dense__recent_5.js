given("of-rgb_dense__recent_5",{"outcomes":"211211212121212112241212","labels":null});
