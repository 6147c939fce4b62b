given("of-cope__rgb_2k",{"outcomes":"332133321232332333223322","labels":null});
