given("of-cope_n16__cope_2k",{"outcomes":"212332113323332211331231","labels":null});
