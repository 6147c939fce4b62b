given("of-cope__rgb_1k",{"outcomes":"323113331323212331322231","labels":null});
