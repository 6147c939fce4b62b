given("of-cope_n2__cope_2k",{"outcomes":"213132133323333211331231","labels":null});
