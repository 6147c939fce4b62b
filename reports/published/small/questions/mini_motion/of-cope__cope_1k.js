given("of-cope__cope_1k",{"outcomes":"112221221211212211121212","labels":null});
