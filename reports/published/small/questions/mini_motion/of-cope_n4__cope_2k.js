given("of-cope_n4__cope_2k",{"outcomes":"213112113323333213131231","labels":null});
