given("of-cope__cope_1k_s8",{"outcomes":"112221111221212121122211","labels":null});
