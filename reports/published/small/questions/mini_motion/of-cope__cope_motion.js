given("of-cope__cope_motion",{"outcomes":"112221211211212211121122","labels":null});
